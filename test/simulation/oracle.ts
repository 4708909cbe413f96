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
import { outcomeOf, type Tally } from "./tally.ts";
import { within, World } from "./world.ts";
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

/** What a recovery is checked with. */
export interface Check {
  random: Random;
  tally: Tally;
  /** The call at which the power went, for the count. */
  operation: string;
  /** How the workload wants its disk to be opened. */
  options?: Workload["options"];
}

/** Checks one crash state, and the one that two more power cuts during its recovery lead to. */
export async function survives(world: World, disk: PowerCutDisk, check: Check): Promise<void> {
  const calls = await recovers(world.fork(), disk.image(), check);
  let current = disk;
  let history = world.fork();
  for (let cut = 0; cut < 2; cut++) {
    current.cutAt = 1 + check.random.below(calls);
    try {
      await history.apply(await history.open(current, check.options, reader));
    } catch (error) {
      if (!isPowerCut(error)) throw error;
    }
    if (history.problem !== null) throw history.problem;
    current = current.powerCut(ANY_POWER_CUT, check.random);
    history = history.fork();
  }
  await recovers(history, current, check);
}

/**
 * Opens without help, opens again, applies, loses power, and has it all.
 *
 * @returns how many calls opening and applying took
 */
export async function recovers(world: World, disk: PowerCutDisk, check: Check): Promise<number> {
  const acknowledged = world.certain.length;
  const first = await world.open(disk, check.options, reader);
  check.tally.state(check.operation, outcomeOf(first.recovery, acknowledged));
  // Neither a power cut nor a refused call may leave half a snapshot under its final name.
  assert.deepEqual(first.recovery.snapshotsSkipped, []);
  const ids = [...first.state.ids];
  const opened = disk.calls;
  // Half of the time the page cache is gone as well: whatever recovery promised must be on the disk.
  const again = check.random.chance(0.5)
    ? disk.crash()
    : disk.powerCut(EXTREME_POWER_CUTS[check.random.below(2)]!, check.random);
  const second = await world.open(again, {}, reader);
  assert.deepEqual(second.state.ids, ids, "opening again gives something else");
  assert(await world.apply(second), `the next mutation was refused: ${world.refusals}`);
  const calls = again.calls;
  const third = again.powerCut(EXTREME_POWER_CUTS[0]!, check.random);
  const manager = await world.open(third, {}, reader);
  assert.equal(manager.state.ids.length, ids.length + 1, "the next mutation was lost");
  await manager.close();
  return Math.max(opened, calls);
}
