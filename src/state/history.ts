/**
 * Rebuilds past states from the files that are kept.
 *
 * @module
 */

import { HistoryGoneError } from "../errors.ts";
import { pointOf } from "../format/history_point.ts";
import { JournalCursor, type ReadLimit, type VersionedRecord } from "../journal/journal_cursor.ts";
import { PIECE_SIZE_MIN, type Pieces, piecesOf } from "../disk/pieces.ts";
import type { JournalFiles } from "../journal/journal_files.ts";
import type { StateMachine } from "./state_machine.ts";
import { readInitial } from "../snapshot/initial_state.ts";
import { type FoundSnapshot, readNewestSnapshot } from "../recovery/snapshot_facts.ts";
import type { StateDirectory } from "../journal/state_directory.ts";

/**
 * Checks that the state has reached a sequence.
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

/** How much of the disk to read at once while callers wait. */
export interface RebuildPieces {
  /** Of a snapshot. */
  read: Pieces;
  /** Of the journal, including the replay of what was read. */
  replay: Pieces;
}

const PIECES: RebuildPieces = {
  read: piecesOf(PIECE_SIZE_MIN),
  replay: piecesOf(4 * PIECE_SIZE_MIN),
};

/** Replays the kept history in a machine, from a snapshot or from the beginning. */
export class HistoryReplay<S, M, R> {
  readonly machine: StateMachine<S, M, R>;
  readonly #files: JournalFiles;
  readonly #cursor: JournalCursor;
  readonly #pieces: Pieces;
  /** Records that were read but not replayed yet. */
  #ahead: VersionedRecord[] = [];

  private constructor(
    files: JournalFiles,
    machine: StateMachine<S, M, R>,
    cursor: JournalCursor,
    pieces: Pieces,
  ) {
    this.machine = machine;
    this.#files = files;
    this.#cursor = cursor;
    this.#pieces = pieces;
  }

  /**
   * Begins a replay.
   *
   * @param machine a fresh one; the state that replay begins with is restored in it
   * @param snapshot where to begin; `null` for the beginning
   * @param limit how far the files may be read
   * @param pieces how much of the journal to replay at once
   * @throws {HistoryGoneError} when the beginning is asked for and no longer kept
   * @throws {MigrationError} when that state can't be migrated
   */
  static async begin<S, M, R>(
    files: JournalFiles,
    machine: StateMachine<S, M, R>,
    snapshot: FoundSnapshot | null,
    limit: () => ReadLimit,
    pieces = PIECES.replay,
  ): Promise<HistoryReplay<S, M, R>> {
    if (snapshot === null) await beginAgain(files, machine);
    else machine.restore(snapshot.state, snapshot.header.version, snapshot.file.sequence);
    const checksum = snapshot === null ? null : pointOf(snapshot.header).checksum;
    const cursor = new JournalCursor(files, machine.sequence + 1, limit, { checksum, pieces });
    return new HistoryReplay(files, machine, cursor, pieces);
  }

  /**
   * Replays up to a sequence.
   *
   * @throws {HistoryGoneError} when the kept journal doesn't lead there
   * @throws {MutatorChangedError} when the program refuses a mutation that was accepted
   * @throws {MigrationError} when a mutation can't be migrated
   */
  async reach(sequence: number): Promise<void> {
    while (this.machine.sequence < sequence) {
      if (this.#ahead.length === 0) {
        const records = await this.#cursor.read();
        if (records === null) throw historyGone((await this.#files.list()).directory, sequence);
        this.#ahead = records;
      }
      const count = Math.min(this.#ahead.length, sequence - this.machine.sequence);
      this.#pieces.begin();
      for (const record of this.#ahead.splice(0, count)) this.#replay(record);
      // Their bytes were counted when they were read.
      this.#pieces.end(0);
    }
  }

  #replay({ sequence, timestamp, mutation, version, refused }: VersionedRecord): void {
    if (refused === true) this.machine.skip(sequence);
    else this.machine.replay(sequence, timestamp, mutation, version);
  }

  /** Closes the file that is being read. */
  close(): Promise<void> {
    return this.#cursor.close();
  }
}

/**
 * Rebuilds a past state in `machine`.
 *
 * @param limit how far to replay, and how far the files may be read
 * @param pieces how much to do at once
 * @throws {HistoryGoneError} when the kept snapshots and journal don't lead there
 */
export async function rebuildState<S, M, R>(
  { files }: StateDirectory,
  machine: StateMachine<S, M, R>,
  limit: () => ReadLimit,
  pieces = PIECES,
): Promise<S> {
  const { sequence } = limit();
  const limits = { atMost: sequence, versionMax: machine.version, pieces: pieces.read };
  const { found } = await files.read(async () =>
    await readNewestSnapshot(files.fs, await files.list(), files.id, limits)
  );
  const replay = await HistoryReplay.begin(files, machine, found, limit, pieces.replay);
  try {
    await replay.reach(sequence);
  } finally {
    await replay.close();
  }
  return machine.state;
}

/** Restores the initial state that the journal holds. */
async function beginAgain<S, M, R>(
  files: JournalFiles,
  machine: StateMachine<S, M, R>,
): Promise<void> {
  await files.read(async () => {
    const { segments, snapshots, directory } = await files.list();
    // Nothing was written yet.
    if (segments.length + snapshots.length === 0) return void machine.begin();
    const first = segments.find(({ sequence }) => sequence === 1);
    if (first === undefined) throw beginningGone(directory);
    const reader = await files.open(first);
    try {
      const { header } = reader;
      // The journal of a `Journal` holds none.
      if (header.initial === undefined) machine.begin();
      else machine.restore(await readInitial(files.fs, reader), header.version, 0);
    } finally {
      await reader.close();
    }
  });
}

function beginningGone(path: string): HistoryGoneError {
  return new HistoryGoneError(
    `The journal in "${path}" no longer holds its beginning: compaction has deleted everything earlier than its ` +
      "oldest snapshot; ask for a later sequence",
    { path, sequence: 1 },
  );
}

/** The error for when the kept files don't lead to a sequence. */
export function historyGone(directory: string, sequence: number): HistoryGoneError {
  return new HistoryGoneError(
    `The journal in "${directory}" does not reach sequence ${sequence}`,
    { path: directory, sequence },
  );
}
