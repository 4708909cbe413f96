// Takes the lock on the file named by its argument, says "locked" or "taken", and holds it until it is ended.

import process from "node:process";
import { detectFs } from "../../../runtime/detect.ts";

const fs = await detectFs();
const lock = await fs.lock(process.argv[2]!);
console.log(lock === null ? "taken" : "locked");
// Standard input ends when the test is done with it.
if (lock !== null) {
  for await (const input of process.stdin) console.log(`ignored: ${input}`);
  await lock.release();
}
