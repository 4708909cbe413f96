/**
 * Replays the kept history, and compares it with every later snapshot and with the live state.
 *
 * @module
 */

import type { NamedFile } from "../disk/names.ts";
import { PIECE_SIZE_MIN, piecesOf } from "../disk/pieces.ts";
import {
  HistoryGoneError,
  MigrationError,
  type MinistateError,
  MutatorChangedError,
} from "../errors.ts";
import { type Difference, findDifference, shortText } from "../format/difference.ts";
import type { Batch } from "../format/scan.ts";
import type { ReadLimit } from "../journal/journal_cursor.ts";
import type { JournalFiles } from "../journal/journal_files.ts";
import type { SkippedSnapshot } from "../recovery/report.ts";
import {
  factsFor,
  type FoundSnapshot,
  isUsable,
  readSnapshotFacts,
  skippedSnapshot,
} from "../recovery/snapshot_facts.ts";
import { historyGone, HistoryReplay } from "./history.ts";
import type { StateMachine } from "./state_machine.ts";
import {
  failureDifference,
  type HistoryDifference,
  stateDifference,
  type VerifyReport,
} from "./verify_report.ts";

/** The live state that a history leads to. */
export interface LiveState {
  /** Runs `task` while no mutation is applied, with the end of the history at that time. */
  atRest<T>(task: (end: ReadLimit) => Promise<T>): Promise<T>;
  state(): unknown;
}

/** A batch whose outcome no line records. */
export interface UndecidedBatch {
  batch: Batch;
  version: number;
}

/** What to verify. */
export interface KeptHistory<S, M, R> {
  files: JournalFiles;
  /** Makes a machine of the program in its initial state. */
  fresh: () => StateMachine<S, M, R>;
  /** Where the history ends now, without the undecided batch. */
  end: ReadLimit;
  /** The last batch, if it has no recorded outcome: it is replayed as the next open would. */
  undecided: UndecidedBatch | null;
  /** `null` when only the files are there. */
  live: LiveState | null;
  /** The version that wrote the end, if it is another one. */
  versionFrom: number | null;
}

/**
 * Verifies a history. A program that refuses what was accepted is a difference, not an error.
 *
 * @throws {HistoryGoneError} when the kept files don't lead to the end
 * @throws {CorruptionError} when they are damaged
 */
export async function verifyHistory<S, M, R>(
  history: KeptHistory<S, M, R>,
): Promise<VerifyReport> {
  for (let least = 0;;) {
    const check = new HistoryCheck(history);
    const start = await check.start(least);
    try {
      return await check.run(start);
    } catch (error) {
      // A compaction that was interrupted leaves older segments with a gap after them. No snapshot needs those.
      if (!(error instanceof HistoryGoneError)) throw error;
      least = check.sequence + 1;
    }
  }
}

/** Where the kept history ends. */
function lastOf(
  { end, undecided }: Pick<KeptHistory<unknown, unknown, unknown>, "end" | "undecided">,
): number {
  return undecided?.batch.sequenceLast ?? end.sequence;
}

/** One replay from one start. */
class HistoryCheck<S, M, R> {
  readonly #history: KeptHistory<S, M, R>;
  readonly #machine: StateMachine<S, M, R>;
  readonly #skipped: SkippedSnapshot[] = [];
  #replay: HistoryReplay<S, M, R> | null = null;
  #end: ReadLimit;
  /** The last sequence at which program and past agreed. */
  #agreed = 0;
  #snapshots = 0;

  constructor(history: KeptHistory<S, M, R>) {
    this.#history = history;
    this.#machine = history.fresh();
    this.#end = history.end;
  }

  get sequence(): number {
    return this.#machine.sequence;
  }

  /**
   * Chooses where to begin: at the beginning, or with the oldest usable snapshot.
   *
   * @param least the first sequence that the snapshot may be of; 0 allows the beginning
   * @returns `null` for the beginning
   */
  async start(least: number): Promise<FoundSnapshot | null> {
    const { segments, snapshots, directory } = await this.#history.files.list();
    const isNew = segments.length + snapshots.length === 0;
    if (least === 0 && (isNew || segments[0]?.sequence === 1)) return null;
    const last = lastOf(this.#history);
    for (const file of snapshots) {
      if (file.sequence < least || file.sequence > last) continue;
      const found = await this.#read(file);
      if (found !== null) return found;
    }
    throw historyGone(directory, last);
  }

  /** Reads a snapshot; `null` for one that can't be used. */
  async #read(file: NamedFile): Promise<FoundSnapshot | null> {
    const { fs, id } = this.#history.files;
    const options = { build: true, pieces: piecesOf(PIECE_SIZE_MIN) };
    const { facts, found } = await readSnapshotFacts(fs, file, options);
    const judged = factsFor(facts, this.#machine.version);
    if (isUsable(judged, id)) return found;
    this.#skipped.push(skippedSnapshot(judged));
    return null;
  }

  async run(start: FoundSnapshot | null): Promise<VerifyReport> {
    const from = start?.file.sequence ?? 0;
    this.#agreed = from;
    const difference = await this.#begin(start) ?? await this.#differenceAfter(from);
    // The one that failed is not replayed.
    const to = difference?.kind === "mutation" ? difference.sequenceFirst - 1 : this.sequence;
    return { from, to, snapshots: this.#snapshots, skipped: this.#skipped, difference };
  }

  async #begin(start: FoundSnapshot | null): Promise<HistoryDifference | null> {
    const { files } = this.#history;
    try {
      this.#replay = await HistoryReplay.begin(files, this.#machine, start, () => this.#end);
      return null;
    } catch (error) {
      // Without a snapshot, it is the stored initial state.
      const { sequence, path } = start?.file ??
        { sequence: 0, path: (await files.list()).directory };
      return failureDifference("snapshot", sequence, programFailure(error), path);
    }
  }

  async #differenceAfter(from: number): Promise<HistoryDifference | null> {
    try {
      return await this.#findDifference(from);
    } finally {
      await this.#replay!.close();
    }
  }

  async #findDifference(from: number): Promise<HistoryDifference | null> {
    const { files } = this.#history;
    const last = lastOf(this.#history);
    for (const file of (await files.list()).snapshots) {
      if (file.sequence <= from || file.sequence > last) continue;
      const difference = await this.#reach(file.sequence) ?? await this.#compareSnapshot(file);
      if (difference !== null) return difference;
    }
    return await this.#reach(last) ?? this.#storable() ?? await this.#compareLive();
  }

  /** Replays up to a sequence, and reports what the program refuses on the way. */
  async #reach(sequence: number): Promise<HistoryDifference | null> {
    const { undecided } = this.#history;
    try {
      await this.#replay!.reach(Math.min(sequence, this.#end.sequence));
      if (undecided !== null && this.sequence < sequence) {
        this.#machine.replayUndecided(undecided.batch, undecided.version, this.sequence + 1);
      }
      return null;
    } catch (error) {
      const failure = programFailure(error);
      return failureDifference("mutation", failure.sequence ?? this.sequence, failure);
    }
  }

  async #compareSnapshot(file: NamedFile): Promise<HistoryDifference | null> {
    const found = await this.#read(file);
    if (found === null) return null;
    let state: unknown;
    try {
      state = this.#machine.migrate(found.state, found.header.version);
    } catch (error) {
      return failureDifference("snapshot", file.sequence, programFailure(error), file.path);
    }
    this.#snapshots++;
    return this.#compare(state, "snapshot", file.path);
  }

  /** A migrated state that could not be stored would end the first open. */
  #storable(): HistoryDifference | null {
    const { versionFrom } = this.#history;
    if (versionFrom === null) return null;
    try {
      this.#machine.checkCarriedOver(versionFrom);
      return null;
    } catch (error) {
      return failureDifference("state", this.sequence, programFailure(error));
    }
  }

  async #compareLive(): Promise<HistoryDifference | null> {
    const { live } = this.#history;
    if (live === null) return null;
    // What was added meanwhile is replayed before mutations have to wait, except for the last of it.
    this.#end = await live.atRest((end) => Promise.resolve(end));
    return await this.#reach(this.#end.sequence) ?? await live.atRest(async (end) => {
      this.#end = end;
      return await this.#reach(end.sequence) ?? this.#compare(live.state(), "state", null);
    });
  }

  #compare(
    state: unknown,
    kind: "snapshot" | "state",
    snapshot: string | null,
  ): HistoryDifference | null {
    const difference = findDifference(state, this.#machine.state);
    const agreed = this.#agreed;
    this.#agreed = this.sequence;
    if (difference === null) return null;
    return stateDifference(
      { kind, snapshot, agreed, sequenceLast: this.sequence },
      { ...difference, was: copyOf(difference.was) },
    );
  }
}

/** Returns an error that is the program's own refusal or failed migration; throws any other, which ends the verification. */
function programFailure(error: unknown): MinistateError {
  if (error instanceof MutatorChangedError || error instanceof MigrationError) return error;
  throw error;
}

/** A copy of a part that may belong to the live state, which changes. */
function copyOf(part: Difference["was"]): Difference["was"] {
  if (part === null) return null;
  try {
    return { value: structuredClone(part.value) };
  } catch {
    // A function, for example: no mutation put it there.
    return { value: shortText(part.value) };
  }
}
