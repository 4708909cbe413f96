// What a test run on Node records for the coverage, and where. CI has `npm test` record it, so that nothing runs twice.

import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./toolchain.ts";

/** Where everything about coverage goes. */
export const coverageDir: string = join(root, "node_modules", ".ministate", "coverage");
/** What V8 writes, a file for each process. */
export const recordDir: string = join(coverageDir, "v8");
const beginning = join(coverageDir, "recording");

/** Not recorded: walks through every bit and every call of a disk. Lines that only they reach need a test of their own. */
const WALKS = [
  "test/recovery/quarantine_power_cuts.test.ts",
  "test/simulation/bit_rot.test.ts",
  "test/simulation/faults.test.ts",
  "test/simulation/power_cuts.test.ts",
];

/** Whether the tests of a file are recorded. */
export function isRecorded(file: string): boolean {
  return !WALKS.includes(file);
}

/** Makes room for a new record, and gives the environment that has Node write it. */
export function beginRecord(): Record<string, string> {
  rmSync(coverageDir, { recursive: true, force: true });
  mkdirSync(coverageDir, { recursive: true });
  writeFileSync(beginning, "");
  return { NODE_V8_COVERAGE: recordDir };
}

/** When the recording began, in milliseconds since 1970. */
export function recordBegan(): number {
  return statSync(beginning).mtimeMs;
}
