// Random histories, randomly damaged or forged: never a silently wrong state, and no journal that harms its reader.

import { test } from "node:test";
import { testSeed } from "../support/random.ts";
import { checkForgeries, checkStructure } from "../../simulation/structure_fuzz.ts";

const seed = testSeed("structure fuzzing");

test("open() gives what is provable or says what is lost when files are damaged in any way", async () => {
  await checkStructure({ seed, runs: 120 });
});

test("open() does no harm when lines, files and names are forged", async () => {
  await checkForgeries({ seed, runs: 30 });
});
