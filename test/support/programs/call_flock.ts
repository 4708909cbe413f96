// Under Bun: locks its argument by a call to the C library, and to one that isn't there; prints both answers.
// With --refusal: tries a descriptor that isn't open, and prints the code of the failure.

import fs from "node:fs";
import process from "node:process";
import { lockByCall } from "../../../runtime/bun_flock.ts";

/** What the call returns for a free file, for a locked one, and without such a library. */
export async function answers(path: string): Promise<(boolean | null)[]> {
  const [first, second] = [fs.openSync(path, "w"), fs.openSync(path, "w")];
  const found = [
    await lockByCall([first]),
    await lockByCall([second]),
    await lockByCall([second], "no-such-library.so"),
  ];
  for (const fd of [first, second]) fs.closeSync(fd);
  return found;
}

/** The code with which a descriptor that isn't open is refused; what the call answers when it is not. */
export async function refusal(): Promise<unknown> {
  try {
    return await lockByCall([1_000_000]);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

if (import.meta.main) {
  const [argument] = process.argv.slice(2);
  const found = argument === "--refusal" ? await refusal() : await answers(argument!);
  console.log(JSON.stringify(found));
}
