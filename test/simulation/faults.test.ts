// Makes calls of every workload fail, once and from then on, and checks that callers got the truth.

import { assert } from "@std/assert";
import { test } from "node:test";
import { exploreFaults, FAULT_KINDS } from "../../simulation/faults.ts";
import { sliceOf } from "../../simulation/slice.ts";
import { UNCOUNTED } from "../../simulation/tally.ts";
import { WORKLOADS } from "../../simulation/workloads.ts";
import { testSeed } from "../support/random.ts";

/** One call in this many, drawn again in every run: `npm run simulate -- --ci` tries them all. */
const ONE_CALL_IN = 4;

const seed = testSeed("faults");
const slice = sliceOf(seed % ONE_CALL_IN, ONE_CALL_IN);

for (const workload of WORKLOADS) {
  test(`apply() tells the truth when any call of ${workload.name} fails in any way`, async () => {
    let faults = 0;
    const tally = { ...UNCOUNTED, fault: () => faults++ };
    for (const kind of FAULT_KINDS) {
      await exploreFaults(workload, kind, { ...slice, seed }, tally);
    }
    assert(faults >= 15, `only ${faults} calls failed`);
  });
}
