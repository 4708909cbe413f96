/**
 * Reads the records of a journal without the lock: those already there, and those that another process adds.
 *
 * @module
 */

import { DirectoryGoneError, HistoryGoneError } from "../errors.ts";
import type { JournalCursor, VersionedRecord } from "./journal_cursor.ts";
import type { RecordSource } from "./record_source.ts";
import type { Turns } from "./turns.ts";

/** How often to check the files for more, in milliseconds. */
const POLL_MS = 200;

/** How to read a journal's files. */
export interface FileReading {
  /** Whether to wait for more at the end. */
  follow: boolean;
  /** How many times to try a read when files change during it. */
  attempts: number;
  /**
   * How many may read at a time. The file is closed after each turn, so a follower that waits holds none. `null`: the
   * file stays open, so that a compaction can't delete the rest of it.
   */
  turns: Turns | null;
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
    const { turns } = this.#reading;
    const records = await (turns === null ? this.#read() : turns.run(() => this.#readInTurn()));
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

  async #readInTurn(): Promise<VersionedRecord[] | null> {
    // It may have ended while others had their turn.
    if (this.#stopped) return null;
    try {
      return await this.#read();
    } finally {
      await this.#cursor.rest();
    }
  }

  /**
   * Continues reading. If a writer or its compaction changed the files during the read, reads again from the same
   * record.
   */
  async #read(): Promise<VersionedRecord[] | null> {
    try {
      const records = await this.#cursor.read();
      const { follow, turns } = this.#reading;
      if (records === null && follow && turns === null) await this.#cursor.check();
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
