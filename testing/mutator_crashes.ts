/**
 * Cuts the power at every call of a short run with a mutator, and compares every recovery with the model.
 *
 * @module
 */

import { MutationRejectedError } from "../src/errors.ts";
import { messageOf } from "../src/failures.ts";
import { RECORD_SIZE_MAX } from "../src/format/format.ts";
import { parseExactly } from "../src/format/json_parse.ts";
import { StateManager } from "../src/state_manager.ts";
import { firstDifference } from "./difference.ts";
import { crashImages } from "./disk/crash_images.ts";
import { PowerCutDisk } from "./disk/power_cut_disk.ts";
import { type Journaled, type Model, type MutatorFlaw, runModel } from "./mutator_rules.ts";
import type { CheckedMutator, Subject } from "./subject.ts";
import { HERE } from "./world/world.ts";

const DIRECTORY = "/state";
const NAME = "checked.wal.jsonl";

/** Opens the state manager on a simulated disk. */
function openOnDisk<S, M>(
  fs: PowerCutDisk,
  mutator: CheckedMutator<S, M>,
  clock: () => number = () => 0,
): Promise<StateManager<S, M>> {
  const options = { fs, clock, compaction: "manual", recordSizeMax: RECORD_SIZE_MAX } as const;
  const opening = StateManager.open(
    DIRECTORY,
    NAME,
    mutator as CheckedMutator<unknown, unknown>,
    options,
  );
  return opening as Promise<unknown> as Promise<StateManager<S, M>>;
}

/** How far a run got before the power was cut. */
interface Progress {
  /** How many mutations were acknowledged, and how many were submitted. */
  acknowledged: number;
  sent: number;
  /** The numbers that they got; `null` for one that was refused before it was journaled. */
  sequences: (number | null)[];
}

/** What a run without a power cut leads to. */
interface WholeRun {
  /** The model of what was journaled. */
  model: Model;
  /** The last sequence after k mutations, at index k. */
  reached: number[];
}

/** How far to explore. */
export interface CrashOptions {
  imagesMax: number;
  seed: number;
  /** Called for every crash state that was recovered and compared. */
  onState: () => void;
  /** Makes an empty disk. @default a `PowerCutDisk` */
  makeDisk?: () => PowerCutDisk;
}

/** Runs the mutations with one power cut at a time. Describes the first wrong recovery. */
export async function findCrashFlaw<S, M>(
  subject: Subject<S, M>,
  mutations: readonly Journaled[],
  options: CrashOptions,
): Promise<MutatorFlaw | null> {
  try {
    const { makeDisk = () => new PowerCutDisk() } = options;
    const whole = await runWhole(makeDisk(), subject, mutations);
    return "rule" in whole
      ? whole
      : await cutEverywhere(subject, mutations, whole, { ...options, makeDisk });
  } catch (error) {
    return {
      rule: "crash",
      found: `running on a simulated disk failed: ${messageOf(error)}`,
      cause: error,
    };
  }
}

/** Runs everything, and makes the model with the journal's timestamps: mutations in the same batch share one. */
async function runWhole<S, M>(
  disk: PowerCutDisk,
  subject: Subject<S, M>,
  mutations: readonly Journaled[],
): Promise<WholeRun | MutatorFlaw> {
  const timestamps: number[] = [];
  const progress = noProgress();
  await runOnDisk(disk, watched(subject.make(), timestamps), mutations, progress);
  const reached = [0];
  const journaled: Journaled[] = [];
  for (const [index, { text }] of mutations.entries()) {
    const sequence = progress.sequences[index]!;
    if (sequence !== null) journaled.push({ text, timestamp: timestamps[sequence - 1]! });
    reached.push(journaled.length);
  }
  const model = runModel(subject, HERE, journaled);
  return "rule" in model ? model : { model, reached };
}

function noProgress(): Progress {
  return { acknowledged: 0, sent: 0, sequences: [] };
}

/** Records the timestamps that a mutator receives. */
function watched<S, M>(mutator: CheckedMutator<S, M>, timestamps: number[]): CheckedMutator<S, M> {
  const keep = ({ sequence, timestamp }: { sequence: number; timestamp: number }) => {
    timestamps[sequence - 1] = timestamp;
  };
  if ("reduce" in mutator) {
    return {
      ...mutator,
      reduce: (
        state,
        mutation,
        context,
      ) => (keep(context), mutator.reduce(state, mutation, context)),
    };
  }
  const { check } = mutator;
  return {
    ...mutator,
    ...(check && {
      check: (state, mutation, context) => (keep(context), check(state, mutation, context)),
    }),
    apply: (state, mutation, context) => (keep(context), mutator.apply(state, mutation, context)),
  };
}

async function cutEverywhere<S, M>(
  subject: Subject<S, M>,
  mutations: readonly Journaled[],
  whole: WholeRun,
  { imagesMax, seed, onState, makeDisk }: Required<CrashOptions>,
): Promise<MutatorFlaw | null> {
  for (let at = 1;; at++) {
    const disk = makeDisk();
    disk.cutAt = at;
    const progress = noProgress();
    await runOnDisk(disk, subject.make(), mutations, progress);
    for (const image of crashImages(disk, { imagesMax, seed: seed + at })) {
      const found = await compareRecovered(image, subject.make(), whole, progress);
      if (found !== null) {
        return { rule: "crash", found: `after a power cut at call ${at} of the disk, ${found}` };
      }
      onState();
    }
    if (disk.calls < at) return null;
  }
}

/** Applies everything, with a snapshot and a compaction on the way, until done or the power is cut. */
export async function runOnDisk<S, M>(
  disk: PowerCutDisk,
  mutator: CheckedMutator<S, M>,
  mutations: readonly Journaled[],
  progress: Progress = noProgress(),
): Promise<void> {
  const third = Math.ceil(mutations.length / 3);
  try {
    const manager = await openOnDisk(disk, mutator, clockOf(mutations));
    await applyInTurn(manager, mutations.slice(0, third), progress);
    await manager.createSnapshot();
    await applyTogether(manager, mutations.slice(third, 2 * third), progress);
    await manager.compact();
    await applyInTurn(manager, mutations.slice(2 * third), progress);
    await manager.close();
  } catch (error) {
    if (!disk.dead) throw error;
  }
}

/** Shows the same times in every run, whenever the power is cut. */
function clockOf(mutations: readonly Journaled[]): () => number {
  let reads = 0;
  return () => mutations[reads++ % mutations.length]?.timestamp ?? 0;
}

async function applyInTurn<S, M>(
  manager: StateManager<S, M>,
  mutations: readonly Journaled[],
  progress: Progress,
): Promise<void> {
  for (const mutation of mutations) await apply(manager, mutation, progress);
}

/** Applies all at once, so that they share batches. */
async function applyTogether<S, M>(
  manager: StateManager<S, M>,
  mutations: readonly Journaled[],
  progress: Progress,
): Promise<void> {
  const calls = mutations.map((mutation) => apply(manager, mutation, progress));
  await Promise.allSettled(calls);
  await Promise.all(calls);
}

async function apply<S, M>(
  manager: StateManager<S, M>,
  { text }: Journaled,
  progress: Progress,
): Promise<void> {
  const index = progress.sent++;
  try {
    progress.sequences[index] = (await manager.apply(parseExactly(text) as M)).sequence;
  } catch (error) {
    // A rejection is an outcome like any other.
    if (!(error instanceof MutationRejectedError)) throw error;
    progress.sequences[index] = error.sequence;
  }
  progress.acknowledged++;
}

async function compareRecovered<S, M>(
  image: PowerCutDisk,
  mutator: CheckedMutator<S, M>,
  { model, reached }: WholeRun,
  { acknowledged, sent }: Progress,
): Promise<string | null> {
  await using manager = await openOnDisk(image, mutator);
  const { sequence } = manager;
  const [least, most] = [reached[acknowledged]!, reached[sent]!];
  if (sequence < least || sequence > most) {
    return `recovery reached mutation ${sequence}: wanted ${least} to ${most}`;
  }
  const differs = firstDifference(model.states[sequence], manager.state);
  return differs === null ? null : `the state after mutation ${sequence} differs: ${differs}`;
}

/** Opens a disk, and returns the state and its sequence. */
export async function openAndLook<S, M>(
  disk: PowerCutDisk,
  mutator: CheckedMutator<S, M>,
): Promise<{ state: unknown; sequence: number }> {
  await using manager = await openOnDisk(disk, mutator);
  return { state: manager.snapshot(), sequence: manager.sequence };
}
