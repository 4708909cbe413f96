/**
 * The seed of a test run: printed, and `MINISTATE_TEST_SEED` replays it.
 *
 * @module
 */

import process from "node:process";

export { Random } from "../../testing/disk/random.ts";

/** The seed of this run: from the environment, otherwise drawn, and printed so that the run can be repeated. */
export function testSeed(test: string): number {
  const given = process.env.MINISTATE_TEST_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  console.log(`${test}: MINISTATE_TEST_SEED=${seed} runs the same again`);
  return seed;
}
