/**
 * Follows a state: its committed mutations, those of the past from the disk and those to come as they are settled.
 *
 * @module
 */

import type { ChangesOptions } from "../options.ts";
import { FileSource } from "../journal/file_source.ts";
import { JournalCursor, limitAt, type ReadLimit } from "../journal/journal_cursor.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";
import { LiveSource } from "../journal/live_source.ts";
import type { RecordSource } from "../journal/record_source.ts";
import { changesSettings } from "../options.ts";
import type { StateDirectory } from "../journal/state_directory.ts";
import { ChangeIterator } from "./change_iterator.ts";

/** A committed mutation, as `changes` gives it. */
export interface Change<M> {
  /** The mutation's number. */
  sequence: number;
  /** When it was journaled, in milliseconds since 1970, by the machine's clock. */
  timestamp: number;
  /** The mutation, carried over to the mutator's version if an older one wrote it. Each follower gets its own copy. */
  mutation: M;
}

/** What makes the changes of one manager. */
export class Changes<M> {
  readonly #directory: StateDirectory;
  readonly #writer: JournalWriter | null;
  readonly #carryOver: (mutation: unknown, version: number) => M;
  /** Ends those that read files; the others are ended by the writer here. */
  #closing: AbortController | null = null;

  /** @param carryOver brings a mutation of an older version up to date */
  constructor(
    directory: StateDirectory,
    writer: JournalWriter | null,
    carryOver: (mutation: unknown, version: number) => M,
  ) {
    this.#directory = directory;
    this.#writer = writer;
    this.#carryOver = carryOver;
  }

  /** @param sequence the manager's own */
  iterate(options: ChangesOptions, sequence: number): AsyncGenerator<Change<M>, void, void> {
    const { from, follow, signal } = changesSettings(options, {
      from: sequence + 1,
      follow: this.#writer !== null,
    });
    const signals = signal === undefined ? [] : [signal];
    // One that follows the writer here still gets what the writer settles while it closes, and is ended by it.
    if (!follow || this.#writer === null) {
      signals.push((this.#closing ??= new AbortController()).signal);
    }
    return new ChangeIterator(
      this.#source(Math.max(1, from), follow, sequence),
      ({ sequence, timestamp, mutation, version }) => ({
        sequence,
        timestamp,
        mutation: this.#carryOver(mutation, version),
      }),
      signals,
    );
  }

  #source(from: number, follow: boolean, sequence: number): RecordSource {
    const { files } = this.#directory;
    const writer = this.#writer;
    if (!follow) {
      const limit = (): ReadLimit => ({ ...(writer?.limit ?? limitAt(sequence)), sequence });
      const cursor = new JournalCursor(files, from, limit);
      return new FileSource(cursor, { follow, attempts: 1, hold: false });
    }
    if (writer !== null) return new LiveSource(this.#directory, writer, from);
    const cursor = new JournalCursor(files, from, () => null, { beside: true });
    return new FileSource(cursor, { follow, attempts: 5, hold: false });
  }

  /** Ends what reads files. */
  close(): void {
    this.#closing?.abort();
  }
}
