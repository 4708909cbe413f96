/**
 * A share of the power cuts, faults and damage that the tests of the simulation explore, small enough for every mutant.
 *
 * @module
 */

import { test } from "node:test";
import { ROTS } from "../../simulation/bit_rot.ts";
import { exploreFaults, FAULT_KINDS } from "../../simulation/faults.ts";
import { explorePowerCuts } from "../../simulation/power_cuts.ts";
import { record } from "../../simulation/recordings.ts";
import { sliceOf } from "../../simulation/slice.ts";
import { UNCOUNTED } from "../../simulation/tally.ts";
import { WORKLOADS } from "../../simulation/workloads.ts";

const SEED = 20260101;
/** One step in this many. */
const POWER_CUT_SHARE = 29;
const FAULT_SHARE = 61;
const ROT_SHARE = 409;

for (const [index, workload] of WORKLOADS.entries()) {
  test(`a share of the power cuts in ${workload.name}`, async () => {
    const slice = sliceOf(index % POWER_CUT_SHARE, POWER_CUT_SHARE);
    await explorePowerCuts(
      workload,
      { ...slice, seed: SEED, imagesMax: 1 },
      UNCOUNTED,
    );
  });
  test(`a share of the faults in ${workload.name}`, async () => {
    for (const [number, kind] of FAULT_KINDS.entries()) {
      const slice = sliceOf(
        (index * 7 + number * 4) % FAULT_SHARE,
        FAULT_SHARE,
      );
      await exploreFaults(workload, kind, { ...slice, seed: SEED }, UNCOUNTED);
    }
  });
}

test("a share of the damages to recorded directories", async () => {
  for (const [index, recording] of (await record()).entries()) {
    for (const [number, { explore }] of ROTS.entries()) {
      const slice = sliceOf((index * 31 + number * 67) % ROT_SHARE, ROT_SHARE);
      await explore(recording, slice, UNCOUNTED);
    }
  }
});
