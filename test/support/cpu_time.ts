// Measures CPU time: a busy machine makes everything slower, but doesn't add work.

import process from "node:process";

/** Runs `call` and gives the time that this process computed meanwhile, in milliseconds. */
export async function cpuTimeOf(call: () => unknown): Promise<number> {
  const begun = process.cpuUsage();
  await call();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}
