/**
 * Opens a state: loads the newest sound snapshot, then runs the journal after it through the mutator.
 *
 * @module
 */

import { closeAfterFailure } from "../disk/close_file.ts";
import { isWithoutState } from "../disk/state_presence.ts";
import type { SegmentHeader } from "../format/format.ts";
import { encodeState } from "../format/snapshot_encode.ts";
import type { Batch } from "../format/scan.ts";
import { rangeOf, type SequenceSpan } from "../format/ranges.ts";
import { StateDirectory } from "../journal/state_directory.ts";
import type { StateManagerSettings } from "../options.ts";
import { readSteadily } from "../recovery/read_steadily.ts";
import { recover, type Recovered, type RecoveryReplay } from "../recovery/recovery.ts";
import type { FoundSnapshot } from "../recovery/snapshot_facts.ts";
import type { SnapshotInfo } from "../snapshot/snapshot_file.ts";
import { StateMachine } from "./state_machine.ts";
import type { RunnableMutator, RunnableReducer } from "./types.ts";

/** Everything that `open` passes to the instance it creates. */
export interface OpenedState<S, M, R> {
  directory: StateDirectory;
  settings: StateManagerSettings;
  machine: StateMachine<S, M, R>;
  recovered: Recovered;
  snapshot: SnapshotInfo | null;
}

/** Opens the directory and recovers the state. */
export async function openState<S, M, R>(
  directory: string,
  name: string,
  mutator: RunnableMutator<S, M, R> | RunnableReducer<S, M>,
  settings: StateManagerSettings,
): Promise<OpenedState<S, M, R>> {
  // First, so that a faulty mutator is found before anything is created.
  const machine = new StateMachine<S, M, R>(mutator);
  // The same goes for a faulty initial state. For an existing state, initial() is not called.
  if (settings.create && await isWithoutState(settings.fs, directory, name)) machine.begin();
  const opened = await StateDirectory.open(settings.fs, directory, name, settings);
  try {
    return await recoverState(opened, settings, machine);
  } catch (error) {
    await closeAfterFailure(opened);
    throw error;
  }
}

/** Recovers the state. A reader of a live writer's directory tries again when files change during the read. */
async function recoverState<S, M, R>(
  directory: StateDirectory,
  settings: StateManagerSettings,
  machine: StateMachine<S, M, R>,
): Promise<OpenedState<S, M, R>> {
  let replay = new StateReplay(machine);
  let isFirst = true;
  const recovered = await readSteadily(settings.readOnly, () => {
    if (!isFirst) replay = new StateReplay(machine.fresh());
    isFirst = false;
    const { name, version } = machine;
    return recover(directory, settings, { name, version, onTooNew: settings.onTooNew }, replay);
  });
  return { directory, settings, machine: replay.machine, recovered, snapshot: replay.snapshot };
}

/** Runs what a recovery reads through a mutator. */
class StateReplay<S, M, R> implements RecoveryReplay {
  readonly machine: StateMachine<S, M, R>;
  #start = 0;
  /** The last batch, until a line says which of its mutations were refused. */
  #undecided: { batch: Batch; version: number } | null = null;
  /** The snapshot that replay started from, if it is a snapshot of this version's state. */
  snapshot: SnapshotInfo | null = null;

  constructor(machine: StateMachine<S, M, R>) {
    this.machine = machine;
  }

  restore({ file: { path, sequence }, header, state, size }: FoundSnapshot): void {
    this.machine.restore(state, header.version, sequence);
    this.#start = sequence;
    // A snapshot of an older version is not a snapshot of this state, even if the sequence is the same.
    if (header.version === this.machine.version) this.snapshot = { path, sequence, size };
  }

  begin(state: unknown, version: number): void {
    this.machine.restore(state, version, 0);
  }

  consume(batch: Batch, { version }: SegmentHeader): void {
    this.decide(batch.refused);
    this.#undecided = { batch, version };
  }

  decide(refused: readonly SequenceSpan[]): void {
    if (this.#undecided === null) return;
    const { machine } = this;
    const { batch: { sequenceFirst, timestamp, mutations }, version } = this.#undecided;
    this.#undecided = null;
    // The journal of a `Journal` holds no initial state.
    machine.begin();
    for (let i = Math.max(0, this.#start + 1 - sequenceFirst); i < mutations.length; i++) {
      const sequence = sequenceFirst + i;
      if (rangeOf(refused, sequence) !== undefined) machine.skip(sequence);
      else machine.replay(sequence, timestamp, mutations[i], version);
    }
  }

  settle(version: number | null): SequenceSpan[] {
    const { machine } = this;
    machine.begin();
    const undecided = this.#undecided;
    this.#undecided = null;
    const refused = undecided === null
      ? []
      : machine.replayUndecided(undecided.batch, undecided.version, this.#start + 1);
    if (version !== null && version !== machine.version) machine.checkCarriedOver(version);
    return refused;
  }

  /** Only called while nothing has changed that state. */
  initialLines(): Iterable<string> {
    return encodeState(this.machine.state);
  }
}
