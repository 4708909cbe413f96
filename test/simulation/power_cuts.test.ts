// Cuts the power at every call of every workload, some under each runtime, in several ways each, and during the recovery
// too.

import { assert } from "@std/assert";
import { test } from "node:test";
import { explorePowerCuts } from "../../simulation/power_cuts.ts";
import { UNCOUNTED } from "../../simulation/tally.ts";
import { WORKLOADS } from "../../simulation/workloads.ts";
import { testSeed } from "../support/random.ts";
import { SHARE } from "../support/share.ts";

/** A few images for each call: `npm run simulate` tries them by the thousand. */
const IMAGES_MAX = 3;

const seed = testSeed("power cuts");

for (const workload of WORKLOADS) {
  test(`open() finds everything acknowledged when the power goes at any call of ${workload.name}`, async () => {
    let states = 0;
    const tally = { ...UNCOUNTED, state: () => states++ };
    await explorePowerCuts(workload, { ...SHARE, seed, imagesMax: IMAGES_MAX }, tally);
    assert(states > 20, `only ${states} crash states were checked`);
  });
}
