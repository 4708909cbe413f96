// Makes every call of every workload fail, once and from then on, and checks that callers were told the truth.

import { assert } from "@std/assert";
import { test } from "node:test";
import { exploreFaults, FAULT_KINDS } from "../simulation/faults.ts";
import { EVERYTHING } from "../simulation/slice.ts";
import { UNCOUNTED } from "../simulation/tally.ts";
import { WORKLOADS } from "../simulation/workloads.ts";
import { testSeed } from "../support/random.ts";

const seed = testSeed("faults");

for (const workload of WORKLOADS) {
  for (const kind of FAULT_KINDS) {
    test(`apply() tells the truth when any call of ${workload.name} ${kind.says}`, async () => {
      let faults = 0;
      const tally = { ...UNCOUNTED, fault: () => faults++ };
      await exploreFaults(workload, kind, { ...EVERYTHING, seed }, tally);
      assert(faults > 0 || kind.befalls !== undefined, "no call failed");
    });
  }
}
