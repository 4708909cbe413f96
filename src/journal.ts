/**
 * The log alone: mutations appended durably and replayed in order, without a state.
 *
 * @module
 */

import { detectPlace } from "../runtime/detect.ts";
import { closeAfterFailure } from "./disk/close_file.ts";
import { readOnlyError } from "./failures.ts";
import type { JsonOf } from "./format/json_types.ts";
import type { JournalRecord } from "./format/format.ts";
import { JournalCursor, limitAt } from "./journal/journal_cursor.ts";
import type { JournalWriter } from "./journal/journal_writer.ts";
import {
  checkOptions,
  checkSequence,
  eachMutation,
  type JournalOptions,
  journalSettings,
} from "./options.ts";
import {
  noInitialState,
  recover,
  type Recovered,
  type RecoveryReplay,
} from "./recovery/recovery.ts";
import type { RecoveryReport } from "./recovery/report.ts";
import { readSteadily } from "./recovery/read_steadily.ts";
import { StateDirectory } from "./journal/state_directory.ts";

/** Which part of a journal to replay. */
export interface ReplayRange {
  /** The first sequence wanted. @default the first one in the journal */
  from?: number;
  /** The last sequence wanted. @default the last acknowledged one */
  to?: number;
}

/**
 * A write-ahead log of JSON values. One line of JSON each, synced before `append` resolves.
 *
 * @typeParam M the mutations
 *
 * @example Append and replay
 * ```ts
 * import { Journal } from "@ministate/ministate/journal";
 * import { assertEquals } from "@std/assert";
 *
 * await using journal = await Journal.open<{ celsius: number }>("state", "readings.wal.jsonl");
 *
 * const { sequence } = await journal.append({ celsius: 21.5 }); // durable once this resolves
 * for await (const record of journal.replay()) {
 *   assertEquals([record.sequence, record.mutation], [sequence, { celsius: 21.5 }]);
 * }
 * ```
 */
export class Journal<M = unknown> {
  readonly #directory: StateDirectory;
  readonly #recovered: Recovered;
  readonly #writer: JournalWriter | null;
  /** The replays that wait for their caller. Each has a file open. */
  readonly #replays = new Set<JournalCursor>();
  /** What `open` found and did. */
  readonly recovery: RecoveryReport;

  private constructor(directory: StateDirectory, recovered: Recovered) {
    this.#directory = directory;
    this.#recovered = recovered;
    this.#writer = recovered.writer;
    this.recovery = recovered.report;
  }

  /**
   * Opens a journal, creating it if missing, and repairs what a power cut left of its tail.
   *
   * @param directory the state directory; one writer at a time
   * @param name the journal's name, such as `readings.wal.jsonl`; its files begin with it
   * @param options see {@linkcode JournalOptions}
   * @returns the journal, which holds the directory's lock until it is closed (unless read-only)
   * @throws {CorruptionError} when acknowledged bytes are damaged (see the option `onCorruption`)
   * @throws {NoStateError} with `create: false`, when the directory is missing or holds no state; nothing was created
   * @throws {LockedError} when another writer has the directory
   * @throws {ForeignFormatError} when the directory holds another journal
   * @throws {TooNewError} when a newer version wrote it
   * @throws {DiskFullError} when there is no space to begin a journal
   * @throws {IoError} when the operating system refuses
   *
   * @example Open again, and continue
   * ```ts
   * import { Journal } from "@ministate/ministate/journal";
   * import { assertEquals } from "@std/assert";
   *
   * {
   *   await using journal = await Journal.open("state", "readings.wal.jsonl");
   *   await journal.append({ celsius: 21.5 });
   * }
   * await using journal = await Journal.open("state", "readings.wal.jsonl");
   * assertEquals(journal.sequence, 1);
   * assertEquals((await journal.append({ celsius: 21.6 })).sequence, 2);
   * ```
   */
  static async open<M extends JsonOf<M> = unknown>(
    directory: string,
    name: string,
    options: JournalOptions = {},
  ): Promise<Journal<M>> {
    const place = await detectPlace(directory, options?.fs);
    const settings = journalSettings(options, place.fs);
    const opened = await StateDirectory.open(settings.fs, place.directory, name, settings);
    try {
      const recovered = await readSteadily(
        settings.readOnly,
        () => recover(opened, settings, null, NO_STATE),
      );
      return new Journal(opened, recovered);
    } catch (error) {
      await closeAfterFailure(opened);
      throw error;
    }
  }

  /** The directory that holds the journal. */
  get stateDir(): string {
    return this.#directory.path;
  }

  /** The segment that is being written; for a read-only journal, the newest one. */
  get journalPath(): string {
    return this.#writer?.path ?? this.#recovered.files.segments.at(-1)?.path ??
      this.#directory.path;
  }

  /** The highest acknowledged sequence; 0 when there is none. */
  get sequence(): number {
    return this.#writer?.sequence ?? this.recovery.sequence;
  }

  /**
   * Appends one mutation. Durable once it resolves.
   *
   * @param mutation a JSON value
   * @returns the mutation's sequence
   * @throws {InvalidMutationError} when it is not JSON
   * @throws {TooLargeError} when its record would be too large
   * @throws {DiskFullError} when there is no space; the journal continues once there is
   * @throws {IoError} when a new segment can't be begun; nothing changed, and calls work again once one can
   * @throws {BusyError} when too many calls wait; it is not journaled, and can be tried again
   * @throws {PoisonedError} when a sync failed, now or before
   * @throws {ClosedError} when the journal is closed
   * @throws {ReadOnlyError} when it was opened read-only
   *
   * @example Append mutations that share one sync
   * ```ts
   * import { Journal } from "@ministate/ministate/journal";
   * import { assertEquals } from "@std/assert";
   *
   * await using journal = await Journal.open<{ celsius: number }>("state", "readings.wal.jsonl");
   *
   * // Not awaited one by one: calls that wait at the same time cost one write and one sync.
   * const appended = await Promise.all([21.5, 21.6].map((celsius) => journal.append({ celsius })));
   * assertEquals(appended, [{ sequence: 1 }, { sequence: 2 }]);
   * ```
   */
  append(mutation: M): Promise<{ sequence: number }> {
    // Not `async`: wrapping the queue's promise in another would cost turns of the microtask queue.
    try {
      const writer = this.#writable();
      return writer.submit({ texts: [writer.encode(mutation)], settle: appended });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Appends several mutations as one atomic group: after a power cut all of them are there, or none.
   *
   * @param mutations JSON values
   * @returns the first and last sequence of the group; `null` when there were no mutations
   * @throws {InvalidMutationError} when one is not JSON; none is appended
   * @throws {TooLargeError} when the group doesn't fit in one batch; none is appended
   * @throws {TypeError} when it is not given an array
   * @throws {MinistateError} in every other case in which {@linkcode Journal.append} throws
   *
   * @example Append all or nothing
   * ```ts
   * import { Journal } from "@ministate/ministate/journal";
   * import { assertEquals } from "@std/assert";
   *
   * await using journal = await Journal.open<{ celsius: number }>("state", "readings.wal.jsonl");
   *
   * const group = await journal.appendAll([{ celsius: 21.5 }, { celsius: 21.6 }]);
   * assertEquals(group, { sequenceFirst: 1, sequenceLast: 2 });
   * ```
   */
  async appendAll(
    mutations: readonly M[],
  ): Promise<{ sequenceFirst: number; sequenceLast: number } | null> {
    const writer = this.#writable();
    writer.refuseClosed();
    const texts = eachMutation(mutations, (mutation) => writer.encode(mutation));
    if (texts.length === 0) return null;
    return await writer.submit({
      texts,
      settle: (sequenceFirst) => ({
        sequenceFirst,
        sequenceLast: sequenceFirst + texts.length - 1,
      }),
    });
  }

  /**
   * Replays acknowledged mutations in order.
   *
   * @param range the first and the last sequence wanted
   * @returns an iterator over records: sequence, timestamp in milliseconds since 1970, mutation
   * @throws {HistoryGoneError} when `from` was given and compaction has deleted that part
   * @throws {CorruptionError} when what is replayed is damaged
   * @throws {ClosedError} when the journal is closed, even during the replay
   *
   * @example Replay a part
   * ```ts
   * import { Journal } from "@ministate/ministate/journal";
   * import { assertEquals } from "@std/assert";
   *
   * await using journal = await Journal.open<{ celsius: number }>("state", "readings.wal.jsonl");
   *
   * await journal.appendAll([{ celsius: 20 }, { celsius: 21 }, { celsius: 22 }]);
   * const celsius: number[] = [];
   * for await (const { mutation } of journal.replay({ from: 2 })) celsius.push(mutation.celsius);
   * assertEquals(celsius, [21, 22]);
   * ```
   */
  async *replay(
    range: ReplayRange = {},
  ): AsyncGenerator<JournalRecord & { mutation: M }, void, void> {
    this.#directory.refuseClosed();
    checkOptions(range);
    const { files } = this.#directory;
    const { segments } = await files.list();
    // Otherwise another journal's beginning could follow this one's end unnoticed.
    await files.check();
    const from = checkSequence("from", range.from ?? segments[0]?.sequence ?? 1);
    const to = Math.min(checkSequence("to", range.to ?? this.sequence), this.sequence);
    const cursor = new JournalCursor(
      files,
      from,
      () => ({ ...(this.#writer?.limit ?? limitAt(to)), sequence: to }),
    );
    try {
      for (let records; (records = await cursor.read()) !== null;) {
        this.#directory.refuseClosed();
        this.#replays.add(cursor);
        for (const { sequence, timestamp, mutation } of records) {
          yield { sequence, timestamp, mutation: mutation as M };
        }
        this.#replays.delete(cursor);
        this.#directory.refuseClosed();
      }
    } finally {
      this.#replays.delete(cursor);
      await cursor.close();
    }
  }

  #writable(): JournalWriter {
    if (this.#writer !== null) return this.#writer;
    throw readOnlyError(this.stateDir);
  }

  /**
   * Waits for everything submitted, writes a seal, trims the segment and releases the lock.
   *
   * @example Close with a seal
   * ```ts
   * import { Journal } from "@ministate/ministate/journal";
   * import { assertEquals } from "@std/assert";
   *
   * const journal = await Journal.open("state", "readings.wal.jsonl");
   * await journal.append({ celsius: 21.5 });
   * await journal.close();
   *
   * await using again = await Journal.open("state", "readings.wal.jsonl");
   * assertEquals(again.recovery.sealed, true);
   * ```
   */
  async close(): Promise<void> {
    try {
      await this.#writer?.close();
    } finally {
      await this.#directory.close(this.#closeReplays());
    }
  }

  /** Closes the files of replays that wait for their caller, who may never come back. */
  async #closeReplays(): Promise<void> {
    for (const cursor of this.#replays) await cursor.close();
  }

  /**
   * Same as `close`, for `await using`.
   *
   * @example Close at the end of a block
   * ```ts
   * import { Journal } from "@ministate/ministate/journal";
   * import { assertEquals } from "@std/assert";
   *
   * {
   *   await using journal = await Journal.open("state", "readings.wal.jsonl");
   *   await journal.append({ celsius: 21.5 });
   * } // closed here, also when the block throws
   * await using again = await Journal.open("state", "readings.wal.jsonl");
   * assertEquals(again.sequence, 1);
   * ```
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** For `await using`. The declarations that JSR makes of the class lack its method (denoland/deno#36567). */
export interface Journal<M = unknown> extends AsyncDisposable {}

/** What `append` resolves to. */
function appended(sequence: number): { sequence: number } {
  return { sequence };
}

/** A journal has no state that its records could be run through. */
const NO_STATE: RecoveryReplay = {
  restore() {},
  begin() {},
  consume() {},
  decide() {},
  settle: () => null,
  initialLines: noInitialState,
};
