/**
 * Reads the records of a journal without the lock: those already there, and those that another process adds.
 *
 * @module
 */

import { DirectoryGoneError, HistoryGoneError } from "../errors.ts";
import type { JournalCursor, VersionedRecord } from "./journal_cursor.ts";
import type { RecordSource } from "./record_source.ts";

/** How often to check the files for more, in milliseconds. */
const POLL_MS = 200;

/** How to read a journal's files. */
export interface FileReading {
  /** Whether to wait for more at the end. */
  follow: boolean;
  /** How many times to try a read when files change during it. */
  attempts: number;
  /** Whether the file stays open between two calls of `fetch`, so that a compaction can't delete the rest of it. */
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

  /** Continues from the position of `cursor`. If it is held open, the caller closes it. */
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

  /**
   * Continues reading. If a writer or its compaction changed the files during the read, reads again from the same
   * record.
   */
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
