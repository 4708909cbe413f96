// Cuts the power at every call of every workload, in several ways each, and during the recovery too.

import { test } from "node:test";
import { Random, testSeed } from "../support/random.ts";
import { countCalls, drawChoice, EXTREMES, interrupt, survives } from "../simulation/oracle.ts";
import { WORKLOADS } from "../simulation/workloads.ts";

/** How many drawn images are tried for each call, beside the fixed ones. */
const IMAGES_DRAWN = 3;

const seed = testSeed("power cuts");

for (const workload of WORKLOADS) {
  test(`open() finds everything acknowledged when the power goes at any call of ${workload.name}`, async () => {
    const calls = await countCalls(workload);
    for (let at = 1; at <= calls + 1; at++) {
      const { world, fs, finished } = await interrupt(workload, (fs) => fs.cutAt = at);
      const where = finished ? "after the end" : `at call ${at}, ${fs.log.at(-1)}`;
      for (let image = 0; image < EXTREMES.length + IMAGES_DRAWN; image++) {
        const random = new Random(seed + at * 100 + image);
        const choice = EXTREMES[image] ?? drawChoice(random);
        const disk = fs.powerCut(choice, random);
        try {
          await workload.inspect?.(disk.image(), finished);
          await survives(world, disk, random);
        } catch (error) {
          const how = `${workload.name}: ${where}, image ${JSON.stringify(choice)}, seed ${seed}`;
          throw new Error(`${how}: ${error instanceof Error ? error.message : error}`, {
            cause: error,
          });
        }
      }
    }
  });
}
