/**
 * Makes every call of a workload fail, once and from then on, and checks that callers got the truth.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Fault } from "../testing/disk/disk_calls.ts";
import { EXTREMES } from "../testing/disk/power_cut.ts";
import { Random } from "../testing/disk/random.ts";
import { type Check, countCalls, type Ending, interrupt, recovers } from "./oracle.ts";
import type { Slice } from "./slice.ts";
import type { Tally } from "./tally.ts";
import type { Workload } from "./workloads.ts";
import { within } from "./world.ts";

/** A way for calls to fail, and the refusals it may lead to. */
export interface FaultKind {
  how: Fault["how"];
  sticky: boolean;
  says: string;
  refusals: readonly string[];
  /** Affects only calls with this text in their log entry. */
  befalls?: string;
}

const AFTER_EIO = ["POISONED", "IO_FAILED", "CLOSED"];
const AFTER_ENOSPC = ["POISONED", "DISK_FULL", "CLOSED"];

/** All ways to fail that leave the journal as intended. */
export const FAULT_KINDS: readonly FaultKind[] = [
  { how: "EIO", sticky: false, says: "fails with EIO once", refusals: AFTER_EIO },
  { how: "EIO", sticky: true, says: "fails with EIO for good", refusals: AFTER_EIO },
  {
    how: "late EIO",
    sticky: false,
    says: "is done and fails with EIO once",
    refusals: AFTER_EIO,
  },
  {
    how: "late EIO",
    sticky: true,
    says: "is done and fails with EIO for good",
    refusals: AFTER_EIO,
  },
  { how: "ENOSPC", sticky: false, says: "fails with ENOSPC once", refusals: AFTER_ENOSPC },
  { how: "ENOSPC", sticky: true, says: "fails with ENOSPC for good", refusals: AFTER_ENOSPC },
  { how: "short", sticky: false, says: "takes or gives too little once", refusals: [] },
  { how: "short", sticky: true, says: "takes or gives too little always", refusals: [] },
  // Only for a snapshot: a batch is not read back, so what the card garbles of it is found by the next open, as damage.
  {
    how: "garbled",
    sticky: false,
    says: "stores a snapshot with one bit changed",
    refusals: [],
    befalls: ".snapshot.jsonl",
  },
];

/** Tries one kind of fault at every call of one workload. */
export async function exploreFaults(
  workload: Workload,
  kind: FaultKind,
  options: Slice & { seed: number },
  tally: Tally,
): Promise<void> {
  const { how, sticky } = kind;
  const calls = await countCalls(workload);
  for (let at = 1; at <= calls; at++) {
    if (!options.mine(at)) continue;
    let call = "";
    try {
      const ending = await interrupt(workload, (fs) => fs.fault = { at, how, sticky });
      call = ending.fs.log[at - 1] ?? "";
      if (ending.fs.faults === 0 || !call.includes(kind.befalls ?? "")) continue;
      tally.fault();
      const random = new Random(options.seed + at);
      const operation = call.split(" ")[0]!;
      const { options: openOptions, mutator } = workload;
      await check(ending, kind, { random, tally, operation, options: openOptions, mutator });
    } catch (error) {
      const message = error instanceof Error ? error.message : error;
      throw new Error(
        `${workload.name}: call ${at}, ${call}, ${kind.says}, seed ${options.seed}: ${message}`,
        { cause: error },
      );
    }
  }
}

async function check({ world, fs, finished }: Ending, kind: FaultKind, check: Check) {
  fs.fault = null;
  if (kind.how === "short") assert(finished, "a short count stopped the workload");
  for (const code of world.refusals) {
    assert(kind.refusals.includes(code), `apply rejected with ${code}`);
  }
  const { manager } = world;
  if (manager !== null) {
    const wasPoisoned = world.refusals.includes("POISONED");
    const goesOn = await within(world.apply(manager));
    const code = world.refusals.at(-1);
    if (kind.how === "ENOSPC" && !goesOn) {
      assert(code === "POISONED" || code === "CLOSED", `no way on once there is space: ${code}`);
    }
    if (wasPoisoned) assert(!goesOn, "a poisoned manager continued");
  }
  // Another process in the same boot finds the page cache as it is, pages that were dropped included.
  await recovers(world.fork(), fs.image(), check);
  const { lost, kept } = EXTREMES;
  await recovers(world.fork(), fs.image().powerCut(lost, check.random), check);
  await recovers(world.fork(), fs.powerCut(kept, check.random), check);
  assert.equal(world.problem, null);
}
