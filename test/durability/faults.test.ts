// Makes every call of every workload fail, once and from then on, and checks that callers were told the truth.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Fault } from "../../runtime/simulated/call_gate.ts";
import { Random, testSeed } from "../support/random.ts";
import { type Ending, EXTREMES, interrupt, recovers } from "../simulation/oracle.ts";
import { countCalls } from "../simulation/oracle.ts";
import { within } from "../simulation/world.ts";
import { WORKLOADS } from "../simulation/workloads.ts";

const seed = testSeed("faults");

/** The refusals that each kind of fault may lead to. */
const ALLOWED: Record<Fault["how"], readonly string[]> = {
  EIO: ["POISONED", "IO_FAILED", "CLOSED"],
  ENOSPC: ["POISONED", "DISK_FULL", "CLOSED"],
  short: [],
};

const KINDS: readonly { how: Fault["how"]; sticky: boolean; says: string }[] = [
  { how: "EIO", sticky: false, says: "fails with EIO once" },
  { how: "EIO", sticky: true, says: "fails with EIO for good" },
  { how: "ENOSPC", sticky: false, says: "fails with ENOSPC once" },
  { how: "ENOSPC", sticky: true, says: "fails with ENOSPC for good" },
  { how: "short", sticky: false, says: "takes or gives too little once" },
  { how: "short", sticky: true, says: "takes or gives too little always" },
];

for (const workload of WORKLOADS) {
  for (const { how, sticky, says } of KINDS) {
    test(`apply() tells the truth when any call of ${workload.name} ${says}`, async () => {
      const calls = await countCalls(workload);
      let faults = 0;
      for (let at = 1; at <= calls; at++) {
        // With short counts always, one run says it all.
        if (how === "short" && sticky && at > 1) break;
        let call = "";
        try {
          const ending = await interrupt(workload, (fs) => fs.fault = { at, how, sticky });
          call = ending.fs.log[at - 1] ?? "";
          if (ending.fs.faults === 0) continue;
          faults++;
          await check(ending, how, at);
        } catch (error) {
          const message = error instanceof Error ? error.message : error;
          throw new Error(`call ${at}, ${call}, seed ${seed}: ${message}`, { cause: error });
        }
      }
      assert(faults > 0, "no call failed");
    });
  }
}

async function check({ world, fs, finished }: Ending, how: Fault["how"], at: number) {
  const random = new Random(seed + at);
  fs.fault = null;
  if (how === "short") assert(finished, "a short count stopped the workload");
  for (const code of world.refusals) {
    assert(ALLOWED[how].includes(code), `apply rejected with ${code}`);
  }
  const { manager } = world;
  if (manager !== null) {
    const wasPoisoned = world.refusals.includes("POISONED");
    const goesOn = await within(world.apply(manager));
    const code = world.refusals.at(-1);
    if (how === "ENOSPC" && !goesOn) {
      assert(code === "POISONED" || code === "CLOSED", `no way on once there is space: ${code}`);
    }
    if (wasPoisoned) assert(!goesOn, "a poisoned manager went on");
  }
  // Another process in the same boot finds the page cache as it is, pages that were dropped included.
  await recovers(world.fork(), fs.image(), random);
  const [lost, kept] = EXTREMES;
  await recovers(world.fork(), fs.image().powerCut(lost!, random), random);
  await recovers(world.fork(), fs.powerCut(kept!, random), random);
  assertEquals(world.problem, null);
}
