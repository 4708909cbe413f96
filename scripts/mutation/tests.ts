/**
 * Chooses the tests that a mutant has to pass: quick ones for every mutant, thorough ones for those that survive.
 *
 * @module
 */

import { globSync } from "node:fs";
import process from "node:process";

/** Tests of what other processes do: the mutant is not active in them. */
const UNFIT = ["test/runtimes/**", "test/second_writer.test.ts"];

/** About other folders than the ones that are mutated. */
const ELSEWHERE = [
  "test/check_mutator.test.ts",
  "test/conformance/power_cut_disk.test.ts",
  "test/scripts/**",
  "test/unit/power_cut_disk.test.ts",
];

/** They take seconds each; `quick.ts` has a share of what they explore. */
const THOROUGH = [
  "test/cli/**",
  "test/conformance/runtime_fs.test.ts",
  "test/backup.test.ts",
  "test/file_modes.test.ts",
  "test/durability/bit_rot.test.ts",
  "test/durability/faults.test.ts",
  "test/durability/hostile.test.ts",
  "test/durability/histories.test.ts",
  "test/durability/power_cut.test.ts",
  "test/durability/kill.test.ts",
  "test/durability/spliced.test.ts",
  "test/durability/quarantine.test.ts",
];

/** Single tests of other files that take as long. */
const THOROUGH_TESTS =
  /over the size of a batch|state is a cycle|100,000 follows|many numbers in brackets|million small|state is not JSON|attempt failed anywhere|holds large states|while mutations and compactions go on|disk fills up at any place|whatever pieces/;

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
