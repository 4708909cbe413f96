/**
 * Chooses the tests that a mutant has to pass: quick ones for every mutant, thorough ones for those that survive.
 *
 * @module
 */

import { globSync } from "node:fs";
import process from "node:process";

/** Tests of what other processes do: the mutant is not active in them. */
const UNFIT = [
  "test/runtime/{cross_runtime,deno_permissions,edge_cases,errno,hot_reload,killed_writer,system_errors}.test.ts",
  "test/disk/second_writer.test.ts",
];

/** Tests of folders other than the mutated ones. */
const ELSEWHERE = [
  "test/bench/**",
  "test/examples/**",
  "test/scripts/**",
  "test/testing/check_mutator.test.ts",
  "test/testing/disk/**",
];

/** They take seconds each; `quick.ts` has a share of what they explore. */
const THOROUGH = [
  "test/cli/**",
  "test/runtime/runtime_fs_conformance.test.ts",
  "test/state/backup.test.ts",
  "test/disk/file_modes.test.ts",
  "test/simulation/bit_rot.test.ts",
  "test/simulation/faults.test.ts",
  "test/recovery/hostile_files.test.ts",
  "test/recovery/sparse_files.test.ts",
  "test/simulation/power_cuts.test.ts",
  "test/recovery/spliced_files.test.ts",
  "test/recovery/quarantine_power_cuts.test.ts",
];

/** Single tests of other files that take as long. */
const THOROUGH_TESTS =
  /over the size of a batch|state is a cycle|100,000 follows|many numbers in brackets|million small|state is not JSON|attempt failed anywhere|holds large states|while mutations and compactions continue|disk fills up at any place|whatever pieces/;

/** Whether this run has the time. */
export const thorough: boolean = process.env.MINISTATE_MUTATION === "thorough";

/** The test files of this run, relative to the top folder. */
export function testFiles(): string[] {
  const exclude = [...UNFIT, ...ELSEWHERE, ...(thorough ? [] : THOROUGH)];
  return [
    "scripts/mutation/quick.ts",
    ...globSync("test/**/*.test.ts", { exclude }).sort(),
  ];
}

/** Whether a test of one of these files is run. */
export function isWanted(name: string): boolean {
  return thorough || !THOROUGH_TESTS.test(name);
}
