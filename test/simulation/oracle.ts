/**
 * Interrupts workloads and checks what is left: acknowledged ≤ k ≤ sent, the state equals the model after k mutations,
 * opening again gives the same, the next mutation works, and all of that through further power cuts during recovery.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MinistateError } from "@ministate/ministate";
import { isPowerCut } from "../../runtime/simulated/call_gate.ts";
import { ANY_POWER_CUT, EXTREME_POWER_CUTS } from "../../runtime/simulated/power_cut.ts";
import type { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import type { Random } from "../../runtime/simulated/random.ts";
import { checkReport, isEmpty, isKept } from "./report_oracle.ts";
import { outcomeOf, type Tally } from "./tally.ts";
import { collector, within, World } from "./world.ts";
import { freshDisk, reader, type Workload } from "./workloads.ts";

/** How a workload ended. */
export interface Ending {
  world: World;
  fs: PowerCutDisk;
  /** Whether it ran to its end. */
  finished: boolean;
}

/** Runs a workload on a disk that `arm` has made to fail or to lose power. */
export async function interrupt(
  workload: Workload,
  arm: (fs: PowerCutDisk) => void,
): Promise<Ending> {
  const world = new World();
  const fs = await workload.prepare?.(world) ?? freshDisk();
  world.manager = null;
  arm(fs);
  let finished = false;
  try {
    await within(workload.run(world, fs));
    finished = true;
  } catch (error) {
    // Whatever a disk does, callers get errors with a code; assertions of the model are neither and pass through.
    if (!(error instanceof MinistateError) && !isPowerCut(error)) throw error;
  }
  if (world.problem !== null) throw world.problem;
  return { world, fs, finished };
}

/** How many calls a workload makes when nothing interrupts it. */
export async function countCalls(workload: Workload): Promise<number> {
  const { fs, finished } = await interrupt(workload, () => {});
  assert(finished, `the workload "${workload.name}" did not finish undisturbed`);
  return fs.calls;
}

/** Power cuts during recovery may come a little later too, at the first mutation behind it. */
const CALLS_TO_APPLY = 3;

/** Either version of the collector. */
type Mutator = typeof collector & { version?: number };

/** What a recovery is checked with. */
export interface Check {
  random: Random;
  tally: Tally;
  /** The call at which the power went, for the count. */
  operation: string;
  /** How the disk is to be opened. */
  options?: Workload["options"];
  /** The mutator that can read what is on it. @default version 1 or 2 of the collector, by chance */
  mutator?: Mutator;
}

/** Checks one crash state, and the one that two more power cuts during its recovery lead to. */
export async function survives(world: World, disk: PowerCutDisk, check: Check): Promise<void> {
  const mutator = mutatorOf(check);
  const calls = await recovers(world.fork(), disk.image(), { ...check, mutator });
  let current = disk;
  let history = world.fork();
  for (let cut = 0; cut < 2; cut++) {
    current.cutAt = 1 + check.random.below(calls + CALLS_TO_APPLY);
    try {
      await history.apply(await history.open(current, check.options, mutator));
    } catch (error) {
      if (!isPowerCut(error)) throw error;
    }
    if (history.problem !== null) throw history.problem;
    current = current.powerCut(ANY_POWER_CUT, check.random);
    history = history.fork();
  }
  await recovers(history, current, { ...check, mutator });
}

/** Opening with a higher version begins a new segment, which could hide what was left in the old one. */
function mutatorOf({ mutator, random }: Check): Mutator {
  return mutator ?? (random.chance(0.5) ? collector : reader);
}

/**
 * Opens without help, opens again, applies, loses power, and has it all.
 *
 * @returns how many calls opening took
 */
export async function recovers(world: World, disk: PowerCutDisk, check: Check): Promise<number> {
  const acknowledged = world.certain.length;
  const mutator = mutatorOf(check);
  const before = disk.image();
  const first = await world.open(disk, check.options, mutator);
  const kept = checkReport(first, before, disk);
  // Neither a power cut nor a refused call may leave half a snapshot under its final name.
  assert.deepEqual(first.recovery.snapshotsSkipped, []);
  const ids = [...first.state.ids];
  const calls = disk.calls;
  let last = { disk, manager: first };
  if (check.random.chance(0.5)) {
    // What recovery left must be on the disk, or a crash of the process alone must not change it.
    const again = check.random.chance(0.5)
      ? disk.crash()
      : disk.powerCut(EXTREME_POWER_CUTS[check.random.below(2)]!, check.random);
    last = { disk: again, manager: await world.open(again, {}, mutator) };
    assert.deepEqual(last.manager.state.ids, ids, "opening again gives something else");
  }
  assert(await world.apply(last.manager), `the next mutation was refused: ${world.refusals}`);
  const third = last.disk.powerCut(EXTREME_POWER_CUTS[0]!, check.random);
  assert(kept === null || isKept(kept, third), "the torn bytes that were kept are gone");
  const manager = await world.open(third, {}, mutator);
  assert.deepEqual(manager.state.ids.slice(0, -1), ids, "opening again gives something else");
  assert(isEmpty(manager.recovery, third), "a tail was left behind the last mutation");
  if (check.random.chance(0.25)) await manager.close();
  check.tally.state(check.operation, outcomeOf(first.recovery, acknowledged));
  return calls;
}
