/**
 * The records of a journal that is read without the lock: what is there, and what another process adds.
 *
 * @module
 */

import { DirectoryGoneError, HistoryGoneError } from "../errors.ts";
import type { JournalCursor, VersionedRecord } from "./journal_cursor.ts";
import type { RecordSource } from "./record_source.ts";

/** How often the files are looked at for more, in milliseconds. */
const POLL_MS = 200;

/** How a journal's files are read. */
export interface FileReading {
  /** Whether to wait for more at the end. */
  follow: boolean;
  /** How often a read is tried when files change under it. */
  attempts: number;
  /** Whether the file stays open between two calls of `fetch`: a compaction then can't take the rest of it away. */
  hold: boolean;
}

/** Reads a journal's files. */
export class FileSource implements RecordSource {
  readonly #cursor: JournalCursor;
  readonly #reading: FileReading;
  #records: VersionedRecord[] = [];
  #at = 0;
  #failures = 0;
  #stopped = false;
  #wake: () => void = () => {};

  /** Reads on from where `cursor` is. Whoever wants it held open closes it. */
  constructor(cursor: JournalCursor, reading: FileReading) {
    this.#cursor = cursor;
    this.#reading = reading;
  }

  take(): VersionedRecord | null {
    return this.#records[this.#at++] ?? null;
  }

  async fetch(): Promise<boolean> {
    try {
      return await this.#fetch();
    } finally {
      if (!this.#reading.hold) await this.#cursor.rest();
    }
  }

  async #fetch(): Promise<boolean> {
    const records = await this.#read();
    if (this.#stopped) return false;
    if (records !== null) {
      this.#records = records;
      this.#at = 0;
      return true;
    }
    if (!this.#reading.follow && this.#failures === 0) return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return !this.#stopped;
  }

  /** Reads on; what a writer or its compaction changed in mid-read is read again, from the same record. */
  async #read(): Promise<VersionedRecord[] | null> {
    try {
      const records = await this.#cursor.read();
      const { follow, hold } = this.#reading;
      if (records === null && follow && hold) await this.#cursor.check();
      this.#failures = 0;
      return records;
    } catch (error) {
      await this.#cursor.close();
      this.#failures++;
      const isFinal = error instanceof HistoryGoneError || error instanceof DirectoryGoneError;
      if (isFinal || this.#failures >= this.#reading.attempts) throw error;
      return null;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#records = [];
    this.#wake();
  }
}
