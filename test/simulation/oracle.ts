/**
 * Interrupts workloads and checks what is left: acknowledged ≤ k ≤ sent, the state equals the model after k mutations,
 * opening again gives the same, the next mutation works, and all of that through further power cuts during recovery.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MinistateError } from "@ministate/ministate";
import { isPowerCut } from "../../runtime/simulated/call_gate.ts";
import type { CutChoice } from "../../runtime/simulated/file.ts";
import type { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import type { Random } from "../support/random.ts";
import { within, World } from "./world.ts";
import { freshDisk, reader, type Workload } from "./workloads.ts";

/** Everything not synced is gone; everything is there; and the two halves of that. */
export const EXTREMES: readonly CutChoice[] = [
  { writes: "lost", names: "lost", sizes: "old", grown: "zeros" },
  { writes: "kept", names: "kept", sizes: "new", grown: "zeros" },
  { writes: "lost", names: "kept", sizes: "new", grown: "zeros" },
  { writes: "torn", names: "kept", sizes: "new", grown: "ghosts" },
];

/** One of all the ways to lose power. */
export function drawChoice(random: Random): CutChoice {
  return {
    writes: random.pick(["mixed", "mixed", "torn", "lost"] as const),
    names: random.pick(["mixed", "kept", "lost"] as const),
    sizes: random.pick(["mixed", "old", "new"] as const),
    grown: random.pick(["zeros", "rubbish", "ghosts"] as const),
  };
}

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

const CALLS_OF_RECOVERY = 30;

/** Cuts the power twice while the disk recovers, then lets it, and checks everything. */
export async function survives(world: World, disk: PowerCutDisk, random: Random): Promise<void> {
  let current = disk;
  let history = world.fork();
  for (let cut = 0; cut < 2; cut++) {
    current.cutAt = 1 + random.below(CALLS_OF_RECOVERY);
    try {
      await history.apply(await history.open(current, {}, reader));
    } catch (error) {
      if (!isPowerCut(error)) throw error;
    }
    if (history.problem !== null) throw history.problem;
    current = current.powerCut(drawChoice(random), random);
    history = history.fork();
  }
  await recovers(history, current, random);
}

/** Opens without help, opens again, applies, loses power, and has it all. */
export async function recovers(world: World, disk: PowerCutDisk, random: Random): Promise<void> {
  const first = await world.open(disk, {}, reader);
  // Neither a power cut nor a refused call may leave half a snapshot under its final name.
  assertEquals(first.recovery.snapshotsSkipped, []);
  const ids = [...first.state.ids];
  const again = disk.crash();
  const second = await world.open(again, {}, reader);
  assertEquals(second.state.ids, ids, "opening again gives something else");
  assert(await world.apply(second), `the next mutation was refused: ${world.refusals}`);
  const third = again.powerCut(EXTREMES[0]!, random);
  const manager = await world.open(third, {}, reader);
  assertEquals(manager.state.ids.length, ids.length + 1, "the next mutation was lost");
  await manager.close();
}
