/**
 * Writes a state with an older version of a mutator, and checks that the newer one migrates it at every crash point.
 *
 * @module
 */

import { messageOf } from "../src/failures.ts";
import { parseExactly } from "../src/format/json_parse.ts";
import { StateMachine } from "../src/state/state_machine.ts";
import { firstDifference } from "./difference.ts";
import { crashImages } from "./disk/crash_images.ts";
import { PowerCutDisk } from "./disk/power_cut_disk.ts";
import { type CrashOptions, openAndLook, runOnDisk } from "./mutator_crashes.ts";
import { type Journaled, type Model, type MutatorFlaw, runModel } from "./mutator_rules.ts";
import type { Subject } from "./subject.ts";
import { ELSEWHERE, HERE, howOf, inWorld, type Setting } from "./world/world.ts";

/** Describes what goes wrong between the older version and the newer one; `null` if nothing does. */
export async function findMigrationFlaw<S, M>(
  subject: Subject<S, M>,
  older: Subject<unknown, unknown>,
  mutations: readonly Journaled[],
  options: CrashOptions,
): Promise<MutatorFlaw | null> {
  let found: string | null;
  try {
    found = findDependence(subject, older, mutations) ??
      await findCrash(subject, older, mutations, options);
  } catch (error) {
    // Anything that stops an open also stops the updated program in the field.
    found = messageOf(error);
  }
  return found === null ? null : { rule: "migration", found };
}

/** A state must not depend on where the older version took its snapshot, nor on when and where it is migrated. */
function findDependence<S, M>(
  subject: Subject<S, M>,
  older: Subject<unknown, unknown>,
  mutations: readonly Journaled[],
): string | null {
  const model = runModel(older, HERE, mutations);
  if ("rule" in model) return `version ${older.version} itself is unfit: ${model.found}`;
  const { version } = older;
  const carried = (setting: Setting | null, at: number) =>
    carryOver(subject, setting, mutations, { version, at, state: model.states[at], model });
  // The journal alone begins with the state that the older version stored.
  const replayed = carried(HERE, 0);
  for (let at = 1; at <= mutations.length; at++) {
    const differs = firstDifference(replayed, carried(HERE, at));
    if (differs !== null) {
      return `a snapshot after mutation ${at} leads to a different state than the journal alone: ${differs}`;
    }
  }
  // These cover everything: every mutation, and a state from before and after them.
  for (const at of [0, mutations.length]) {
    const state = carried(HERE, at);
    for (const setting of [...ELSEWHERE, null]) {
      const differs = firstDifference(state, carried(setting, at));
      if (differs === null) continue;
      const again = firstDifference(state, carried(HERE, at));
      const how = again === null ? howOf(setting) : HERE.how;
      return `migrated ${how}, the state differs: ${again ?? differs}`;
    }
  }
  return null;
}

function carryOver<S, M>(
  subject: Subject<S, M>,
  setting: Setting | null,
  mutations: readonly Journaled[],
  { version, at, state, model }: { version: number; at: number; state: unknown; model: Model },
): unknown {
  const world = subject.world(setting ?? HERE);
  const run = () => {
    const machine = new StateMachine<S, M, unknown>(subject.make());
    machine.restore(structuredClone(state), version, at);
    for (const [index, { text, timestamp }] of mutations.entries()) {
      if (index < machine.sequence) continue;
      world.begin(timestamp);
      if (model.outcomes[index]!.rejected) machine.skip(index + 1);
      else machine.replay(index + 1, timestamp, parseExactly(text), version);
    }
    return structuredClone(machine.state);
  };
  return setting === null ? run() : inWorld(world, run);
}

async function findCrash<S, M>(
  subject: Subject<S, M>,
  older: Subject<unknown, unknown>,
  mutations: readonly Journaled[],
  { imagesMax, seed, onState }: CrashOptions,
): Promise<string | null> {
  const whole = await migrated(older, mutations);
  const wanted = await openAndLook(whole, subject.make());
  for (let at = 1;; at++) {
    const disk = await migrated(older, mutations);
    disk.cutAt = disk.calls + at;
    const finished = await opens(disk, subject);
    for (const image of crashImages(disk, { imagesMax, seed: seed + at })) {
      const found = await openAndLook(image, subject.make());
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
  older: Subject<unknown, unknown>,
  mutations: readonly Journaled[],
): Promise<PowerCutDisk> {
  const disk = new PowerCutDisk();
  await runOnDisk(disk, older.make(), mutations);
  return disk;
}

/** Whether opening finished before the power was cut. */
async function opens<S, M>(disk: PowerCutDisk, subject: Subject<S, M>): Promise<boolean> {
  try {
    await openAndLook(disk, subject.make());
    return true;
  } catch (error) {
    if (!disk.dead) throw error;
    return false;
  }
}
