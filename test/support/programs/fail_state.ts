// Opens a state and applies mutations, and prints the result of each step: "done", or the codes of its error. Run under
// strace, which has calls on the journal fail: see test/runtime/system_errors.test.ts. Usage: fail_state.ts DIRECTORY

import process from "node:process";
import { MinistateError } from "@ministate/ministate";
import { openLedger } from "../samples.ts";

/** More than calls that are made to fail: strace counts those of each thread. */
const STEPS = 60;

const outcomes: string[] = [];

async function step<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    const result = await call();
    outcomes.push("done");
    return result;
  } catch (error) {
    if (!(error instanceof MinistateError)) throw error;
    outcomes.push(`${error.code} ${error.systemCode}`);
    return null;
  }
}

const manager = await step(() => openLedger(process.argv[2]!));
if (manager !== null) {
  for (let i = 0; i < STEPS; i++) await step(() => manager.apply(i));
  await manager.close();
}
console.log(JSON.stringify(outcomes));
