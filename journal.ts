/**
 * The write-ahead log alone: JSON values appended durably and replayed in order.
 *
 * @example Append and replay
 * ```ts
 * import { Journal } from "@ministate/ministate/journal";
 * import { assertEquals } from "@std/assert";
 *
 * const directory = await Deno.makeTempDir();
 * await using journal = await Journal.open<{ celsius: number }>(directory, "readings.wal.jsonl");
 * await journal.append({ celsius: 21.5 }); // durable once this resolves
 * await journal.appendAll([{ celsius: 21.6 }, { celsius: 21.7 }]); // all of them or none
 *
 * const celsius = [];
 * for await (const { mutation } of journal.replay()) celsius.push(mutation.celsius);
 * assertEquals(celsius, [21.5, 21.6, 21.7]);
 * ```
 *
 * @module
 */

import { detectFs, fromHere } from "./runtime/detect.ts";
import { Journal as JournalCore } from "./src/journal/journal.ts";
import type { JournalOptions } from "./src/options.ts";

/**
 * A write-ahead log of JSON values. One line of JSON each, synced before `append` resolves.
 *
 * @typeParam M the values
 */
export class Journal<M = unknown> extends JournalCore<M> {
  /**
   * Opens a journal, made when it is missing, and repairs what a power cut left of its tail.
   *
   * @param directory the state directory; one writer at a time
   * @param name the journal's name, such as `readings.wal.jsonl`; its files begin with it
   * @throws {CorruptionError} when acknowledged bytes are damaged (see the option `onCorruption`)
   * @throws {NoStateError} with `create: false`, when the directory is missing or holds no state; nothing was made
   * @throws {LockedError} when another writer has the directory
   * @throws {ForeignFormatError} when the directory holds another journal
   * @throws {TooNewError} when a newer version wrote it
   * @throws {DiskFullError} when there is no space to begin a journal
   * @throws {IoError} when the operating system refuses
   */
  static async open<M = unknown>(
    directory: string,
    name: string,
    options: JournalOptions = {},
  ): Promise<Journal<M>> {
    const place = options?.fs === undefined ? fromHere(directory) : directory;
    const fs = options?.fs ?? await detectFs();
    return await super.openOn(
      fs,
      place,
      name,
      options,
      (...opened) => new Journal<M>(...opened),
    );
  }
}

export type { ReplayRange } from "./src/journal/journal.ts";
export type { JournalRecord } from "./src/format/format.ts";
export type { JournalOptions } from "./src/options.ts";
export type {
  LostRecords,
  RecoveryReport,
  SkippedSnapshot,
  TornTail,
} from "./src/recovery/recovery_report.ts";
export { Journal as JournalBase } from "./src/journal/journal.ts";
