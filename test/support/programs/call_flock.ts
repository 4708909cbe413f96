// Under Bun: locks its argument by a call to the C library, and to one that isn't there; prints both answers.

import fs from "node:fs";
import process from "node:process";
import { lockByCall } from "../../../runtime/bun_flock.ts";

/** What the call answers for a free file, for one that is locked, and without such a library. */
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

if (import.meta.main) console.log(JSON.stringify(await answers(process.argv[2]!)));
