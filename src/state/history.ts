/**
 * The past of a state, read back from the disk: changes since a sequence, and the state at one.
 *
 * @module
 */

import { HistoryGoneError } from "../errors.ts";
import {
  JournalCursor,
  limitAt,
  type ReadLimit,
  type VersionedRecord,
} from "../journal/journal_cursor.ts";
import type { StateMachine } from "./mutator.ts";
import { checkSequence } from "../options.ts";
import { PIECE_SIZE } from "../snapshot/snapshot_file.ts";
import { restoreNewest } from "../snapshot/snapshot_restore.ts";
import type { StateDirectory } from "../state_directory.ts";

/** Where `changes` begins. */
export interface ChangesOptions {
  /** The first sequence wanted; one that is in the past gives history first. @default the next one */
  from?: number;
}

/** A committed mutation, as `changes` gives it. */
export interface Change<M> {
  /** The mutation's number. */
  sequence: number;
  /** When it was journaled, in milliseconds since 1970, by the machine's clock. */
  timestamp: number;
  /** The mutation, carried over to the mutator's version if an older one wrote it. */
  mutation: M;
}

/** Where records come from: a journal's writer, or something at rest. */
export interface ChangeSource {
  /** The acknowledged end. */
  readonly limit: ReadLimit;
  /** Whether nothing more will be acknowledged. */
  readonly drained: boolean;
  /** Waits until the sequence is above `sequence`, or nothing more will come. */
  waitBeyond(sequence: number): Promise<void>;
}

/** A journal that nobody here is writing, read up to `sequence`. */
export function atRest(sequence: number): ChangeSource {
  return { limit: limitAt(sequence), drained: true, waitBeyond: () => Promise.resolve() };
}

/** Gives records from `from` on, waits for more at the end, and ends once nothing more will come. */
export async function* changesFrom(
  directory: StateDirectory,
  from: number,
  source: ChangeSource,
): AsyncGenerator<VersionedRecord, void, void> {
  const first = Math.max(1, checkSequence("from", from));
  const cursor = new JournalCursor(directory.fs, () => directory.list(), first, () => source.limit);
  try {
    for (;;) {
      // Asked before reading: what is acknowledged between the two would be left out.
      const isLast = source.drained;
      const records = await cursor.read();
      if (records !== null) yield* records;
      else if (isLast) return;
      else await source.waitBeyond(cursor.next - 1);
    }
  } finally {
    await cursor.close();
  }
}

/** As `changesFrom`, each mutation carried over to the mutator's version. */
export async function* changesOf<S, M, R>(
  directory: StateDirectory,
  machine: StateMachine<S, M, R>,
  from: number,
  source: ChangeSource,
): AsyncGenerator<Change<M>, void, void> {
  for await (const record of changesFrom(directory, from, source)) {
    const { sequence, timestamp, mutation, version } = record;
    yield { sequence, timestamp, mutation: machine.carryOver(mutation, version) };
  }
}

/**
 * Checks that a state has been at a sequence.
 *
 * @param last the newest sequence
 * @throws {RangeError} when it has not
 */
export function checkPast(sequence: number, last: number): void {
  if (Number.isSafeInteger(sequence) && sequence >= 0 && sequence <= last) return;
  throw new RangeError(
    `"sequence" must be a whole number from 0 to ${last}, got ${String(sequence)}`,
  );
}

/**
 * Rebuilds the state after `sequence` in `machine`.
 *
 * @throws {HistoryGoneError} when no kept snapshot and journal lead there
 */
export async function rebuildState<S, M, R>(
  directory: StateDirectory,
  id: string | null,
  machine: StateMachine<S, M, R>,
  sequence: number,
): Promise<S> {
  const limits = { atMost: sequence, pieceSize: PIECE_SIZE };
  const { found } = await restoreNewest(directory.fs, await directory.list(), id, limits);
  if (found !== null) machine.restore(found.state, found.header.version, found.named.sequence);
  const base = found?.named.sequence ?? 0;
  const cursor = new JournalCursor(directory.fs, () => directory.list(), base + 1);
  try {
    while (cursor.next <= sequence) {
      const records = await cursor.read();
      if (records === null) throw gone(directory, sequence);
      for (const record of records) {
        if (record.sequence > sequence) break;
        machine.replay(record.sequence, record.timestamp, record.mutation, record.version);
      }
    }
  } finally {
    await cursor.close();
  }
  return machine.state;
}

function gone(directory: StateDirectory, sequence: number): HistoryGoneError {
  return new HistoryGoneError(
    `The journal in "${directory.path}" does not reach sequence ${sequence}`,
    {
      path: directory.path,
      sequence,
    },
  );
}
