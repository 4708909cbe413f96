/**
 * Writes a state with an older version of a mutator, and checks that the newer one carries it over at every crash point.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import { StateMachine } from "../state/mutator.ts";
import { firstDifference } from "./difference.ts";
import { liveThrough, openAndLook } from "./mutator_crashes.ts";
import { type AnyMutator, type Flaw, runModel, TIMESTAMP } from "./mutator_rules.ts";
import type { CuttableDisk, Simulator } from "./simulator.ts";

/** How far to explore. */
export interface VersionOptions {
  imagesMax: number;
  seed: number;
  /** Called for every crash state that was recovered and compared. */
  onState: () => void;
}

/** Says what goes wrong on the way from the older version to the newer one; `null` when nothing does. */
export async function findMigrationFlaw<S, M>(
  simulator: Simulator,
  mutator: AnyMutator<S, M>,
  older: AnyMutator<unknown, unknown>,
  mutations: readonly unknown[],
  options: VersionOptions,
): Promise<Flaw | null> {
  let found: string | null;
  try {
    found = findDependenceOnSnapshots(mutator, older, mutations) ??
      await findCrash(simulator, mutator, older, mutations, options);
  } catch (error) {
    // What stops an open stops the program that is updated in the field.
    found = messageOf(error);
  }
  return found === null ? null : { rule: "migration", found };
}

/** A state must not depend on where the older version happened to take its snapshot. */
function findDependenceOnSnapshots<S, M>(
  mutator: AnyMutator<S, M>,
  older: AnyMutator<unknown, unknown>,
  mutations: readonly unknown[],
): string | null {
  const versionFrom = older.version ?? 1;
  const model = runModel(older, mutations);
  if ("rule" in model) return `version ${versionFrom} itself is unfit: ${model.found}`;
  let replayed: unknown = null;
  for (let from = 0; from <= mutations.length; from++) {
    const machine = new StateMachine(mutator);
    if (from > 0) machine.restore(structuredClone(model.states[from]), versionFrom, from);
    for (const [index, mutation] of mutations.entries()) {
      if (index < from) continue;
      machine.replay(index + 1, TIMESTAMP, structuredClone(mutation), versionFrom);
    }
    if (from === 0) replayed = structuredClone(machine.state);
    const differs = firstDifference(replayed, machine.state);
    if (differs !== null) {
      return `a snapshot after mutation ${from} leads to another state than the journal alone: ${differs}`;
    }
  }
  return null;
}

async function findCrash<S, M>(
  simulator: Simulator,
  mutator: AnyMutator<S, M>,
  older: AnyMutator<unknown, unknown>,
  mutations: readonly unknown[],
  { imagesMax, seed, onState }: VersionOptions,
): Promise<string | null> {
  const whole = await migrated(simulator, older, mutations);
  const wanted = await openAndLook(whole, mutator);
  for (let at = 1;; at++) {
    const disk = await migrated(simulator, older, mutations);
    disk.cutAt = disk.calls + at;
    const finished = await opens(disk, mutator);
    for (const image of simulator.images(disk, { imagesMax, seed: seed + at })) {
      const found = await openAndLook(image, mutator);
      const differs = firstDifference(wanted, found);
      if (differs !== null) {
        return `a power cut at call ${at} of the first start of the new version changes the state: ${differs}`;
      }
      onState();
    }
    if (finished) return null;
  }
}

async function migrated(
  simulator: Simulator,
  older: AnyMutator<unknown, unknown>,
  mutations: readonly unknown[],
): Promise<CuttableDisk> {
  const disk = simulator.disk();
  await liveThrough(disk, older, mutations);
  return disk;
}

/** Whether opening came to its end before the power went. */
async function opens<S, M>(disk: CuttableDisk, mutator: AnyMutator<S, M>): Promise<boolean> {
  try {
    await openAndLook(disk, mutator);
    return true;
  } catch (error) {
    if (!disk.dead) throw error;
    return false;
  }
}
