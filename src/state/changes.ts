/**
 * Follows a state's committed mutations: past ones from the disk, and new ones as they are settled.
 *
 * @module
 */

import type { ChangesOptions } from "../options.ts";
import { FileSource } from "../journal/file_source.ts";
import type { Recovered } from "../recovery/recovery.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import { DROP } from "./types.ts";
import {
  JournalCursor,
  limitAt,
  type ReadLimit,
  type VersionedRecord,
} from "../journal/journal_cursor.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";
import { LiveSource } from "../journal/live_source.ts";
import type { RecordSource } from "../journal/record_source.ts";
import { READS_MAX, Turns } from "../journal/turns.ts";
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
  /**
   * Whether it was refused, and so is not in the state. A refused mutation is returned as it was journaled, and so is
   * one that `migrate.mutation` drops. `null` for a mutation of the last batch, read beside another process's writer,
   * as long as the journal doesn't say.
   */
  refused: boolean | null;
}

/** Creates the iterators of one manager's changes. */
export class Changes<M> {
  readonly #directory: StateDirectory;
  readonly #writer: JournalWriter | null;
  readonly #refused: readonly SequenceSpan[] | null;
  readonly #carryOver: (mutation: unknown, version: number) => M | typeof DROP;
  /** Ends the iterators that read files. Those that follow the writer in this process are ended by the writer. */
  #closing: AbortController | null = null;
  /** However many iterators read files, only a few of those are open at a time. */
  readonly #reads: Turns = new Turns(READS_MAX);

  /** @param carryOver migrates a mutation of an older version */
  constructor(
    directory: StateDirectory,
    { writer, refused }: Recovered,
    carryOver: (mutation: unknown, version: number) => M | typeof DROP,
  ) {
    this.#directory = directory;
    this.#writer = writer;
    this.#refused = refused;
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
      (record) => this.#changeOf(record),
      signals,
    );
  }

  #changeOf({ sequence, timestamp, mutation, version, refused }: VersionedRecord): Change<M> {
    const carried = refused === true ? DROP : this.#carryOver(mutation, version);
    return carried === DROP
      ? { sequence, timestamp, mutation: mutation as M, refused: true }
      : { sequence, timestamp, mutation: carried, refused };
  }

  #source(from: number, follow: boolean, sequence: number): RecordSource {
    const { files } = this.#directory;
    const writer = this.#writer;
    if (!follow) {
      const limit = (): ReadLimit => ({
        ...(writer?.limit ?? limitAt(sequence, this.#refused)),
        sequence,
      });
      const cursor = new JournalCursor(files, from, limit);
      return new FileSource(cursor, { follow, attempts: 1, turns: this.#reads });
    }
    if (writer !== null) return new LiveSource(this.#directory, writer, from);
    const cursor = new JournalCursor(files, from, () => null, { beside: true });
    return new FileSource(cursor, { follow, attempts: 5, turns: this.#reads });
  }

  /** Ends the iterators that read files. */
  close(): void {
    this.#closing?.abort();
  }
}
