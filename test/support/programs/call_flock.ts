// Under Bun or Node: locks its argument by a call to the C library, and prints the answer for a free file, for a locked
// one, and whether a library that isn't there is found. With --refusal: tries a descriptor that isn't open, and prints
// the code of the failure.

import fs from "node:fs";
import process from "node:process";
import { type Flock, lockByCall } from "../../../runtime/flock_call.ts";

/** Looks for `flock` as the running runtime does. */
async function find(library?: string): Promise<Flock | null> {
  return "Bun" in globalThis
    ? await (await import("../../../runtime/bun_flock.ts")).findFlock(library)
    : (await import("../../../runtime/node_flock.ts")).findFlock(process, library);
}

/** What the call returns for a free file and for a locked one, and whether there is such a library. */
export async function answers(path: string): Promise<(boolean | null)[]> {
  const [first, second] = [fs.openSync(path, "w"), fs.openSync(path, "w")];
  const library = (await find())!;
  const found = [lockByCall(library, [first]), lockByCall(library, [second])];
  for (const fd of [first, second]) fs.closeSync(fd);
  return [...found, await find("no-such-library.so") !== null];
}

/** The code with which a descriptor that isn't open is refused; what the call answers when it is not. */
export async function refusal(): Promise<unknown> {
  try {
    return lockByCall((await find())!, [1_000_000]);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

if (import.meta.main) {
  const [argument] = process.argv.slice(2);
  const found = argument === "--refusal" ? await refusal() : await answers(argument!);
  console.log(JSON.stringify(found));
}
