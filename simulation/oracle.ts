/**
 * Interrupts workloads and checks what is left: acknowledged ≤ k ≤ sent, the state equals the model after k mutations,
 * opening again gives the same, the next mutation works, and all of this holds through further power cuts during recovery.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MinistateError } from "@ministate/ministate";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { ANY_POWER_CUT, EXTREMES } from "../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { Random } from "../testing/disk/random.ts";
import { checkReport, isKept, type Kept } from "./report_oracle.ts";
import { outcomeOf, type Tally } from "./tally.ts";
import { collector, DIRECTORY, within, World } from "./world.ts";
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
    // Whatever a disk does, callers get errors with a code. Assertions of the model have none, so they are rethrown.
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

/** Power cuts during recovery may come a little later too, at the first mutation after it. */
const CALLS_TO_APPLY = 3;

/** Either version of the collector. */
type Mutator = typeof collector & { version?: number };

/** What a recovery is checked with. */
export interface Check {
  random: Random;
  tally: Tally;
  /** The call at which the power was cut, for the counts. */
  operation: string;
  /** How to open the disk. */
  options?: Workload["options"];
  /** The mutator that can read what is on it. @default version 1 or 2 of the collector, by chance */
  mutator?: Mutator;
}

/** How many states are checked from one on. */
const LINKS = 3;

/** Checks one crash state, and the one that one or two more power cuts during its recovery lead to. */
export async function survives(world: World, disk: PowerCutDisk, check: Check): Promise<void> {
  const settled = { ...check, mutator: mutatorOf(check) };
  const calls = await follow(world.fork(), disk.image(), settled, LINKS);
  const history = world.fork();
  await follow(history, await interruptRecovery(history, disk, settled, calls), settled, LINKS);
}

/** Checks one crash state, and the one after its next mutation. */
export async function recovers(world: World, disk: PowerCutDisk, check: Check): Promise<void> {
  await follow(world, disk, check, 2);
}

/**
 * Goes from one crash state to the next. Each one opens without help, with a state that the history allows; the next
 * mutation is acknowledged; and what the power leaves of that, the next state, opens with all of it. Only then does a
 * state count.
 *
 * @returns how many calls it took to open the first one
 */
async function follow(
  world: World,
  disk: PowerCutDisk,
  check: Check,
  links: number,
): Promise<number> {
  const { random, tally, operation, options } = check;
  const mutator = mutatorOf(check);
  const kept: Kept[] = [];
  let current = disk;
  let calls = 0;
  let outcome: string | null = null;
  for (let link = 0; link <= links; link++) {
    const acknowledged = world.certain.length;
    const before = current.image();
    // What was repaired once needs no repair: from the second state on, it opens by default.
    const manager = await world.open(current, link === 0 ? options : {}, mutator);
    if (link === 0) calls = current.calls;
    const tail = checkReport(manager, before, current);
    // Neither a power cut nor a refused call may leave half a snapshot under its final name; an empty one, FAT may.
    const skipped = manager.recovery.snapshotsSkipped.filter(({ path, sequence }) =>
      current.peek(path)?.length !== 0 || before.peek(snapshotPath(sequence))?.length !== 0
    );
    assert.deepEqual(skipped, []);
    assert(kept.every((tail) => isKept(tail, current)), "torn bytes that were kept are gone");
    if (outcome !== null) {
      assert.equal(manager.recovery.torn, null, "a tail was left after the last mutation");
      tally.state(operation, outcome);
    }
    if (tail !== null) kept.push(tail);
    outcome = outcomeOf(manager.recovery, acknowledged);
    if (link === links) {
      if (random.chance(0.25)) await manager.close();
      break;
    }
    assert(await world.apply(manager), `the next mutation was refused: ${world.refusals}`);
    current = nextOf(current, random);
  }
  return calls;
}

function snapshotPath(sequence: number): string {
  return `${DIRECTORY}/w-${`${sequence}`.padStart(16, "0")}.snapshot.jsonl`;
}

/** What the next process finds: usually everything not synced is gone, because only synced data may be acknowledged. */
function nextOf(disk: PowerCutDisk, random: Random): PowerCutDisk {
  if (random.chance(0.2)) return disk.crash();
  return disk.powerCut(random.chance(0.5) ? EXTREMES.lost : ANY_POWER_CUT, random);
}

/** Cuts the power of a recovery, or of the mutation after it, once or twice. */
async function interruptRecovery(
  world: World,
  disk: PowerCutDisk,
  { random, mutator, options }: Check,
  calls: number,
): Promise<PowerCutDisk> {
  let current = disk;
  for (let cuts = 1 + random.below(2); cuts > 0; cuts--) {
    current.cutAt = 1 + random.below(calls + CALLS_TO_APPLY);
    try {
      await world.apply(await world.open(current, options, mutator));
    } catch (error) {
      if (!isPowerCut(error)) throw error;
    }
    if (world.problem !== null) throw world.problem;
    current = current.powerCut(ANY_POWER_CUT, random);
  }
  return current;
}

/** Opening with a higher version begins a new segment, which could hide what was left in the old one. */
function mutatorOf({ mutator, random }: Check): Mutator {
  return mutator ?? (random.chance(0.5) ? collector : reader);
}
