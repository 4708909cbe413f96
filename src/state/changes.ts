/**
 * Follows a state's committed mutations: past ones from the disk, and new ones as they are settled.
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

/** A committed mutation, as returned by `changes`. */
export interface Change<M> {
  /** The mutation's number. */
  sequence: number;
  /** When it was journaled, in milliseconds since 1970, by the machine's clock. */
  timestamp: number;
  /** The mutation, migrated to the mutator's version if an older one wrote it. Each follower gets its own copy. */
  mutation: M;
}

/** Creates the iterators of one manager's changes. */
export class Changes<M> {
  readonly #directory: StateDirectory;
  readonly #writer: JournalWriter | null;
  readonly #carryOver: (mutation: unknown, version: number) => M;
  /** Ends the iterators that read files. Those that follow the writer in this process are ended by the writer. */
  #closing: AbortController | null = null;

  /** @param carryOver migrates a mutation of an older version */
  constructor(
    directory: StateDirectory,
    writer: JournalWriter | null,
    carryOver: (mutation: unknown, version: number) => M,
  ) {
    this.#directory = directory;
    this.#writer = writer;
    this.#carryOver = carryOver;
  }

  /** @param sequence the manager's current sequence */
  iterate(options: ChangesOptions, sequence: number): AsyncGenerator<Change<M>, void, void> {
    const { from, follow, signal } = changesSettings(options, {
      from: sequence + 1,
      follow: this.#writer !== null,
    });
    const signals = signal === undefined ? [] : [signal];
    // An iterator that follows this process's writer still gets what the writer settles while closing; the writer ends
    // it.
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

  /** Ends the iterators that read files. */
  close(): void {
    this.#closing?.abort();
  }
}
