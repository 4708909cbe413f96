/**
 * The write-ahead log alone: JSON values appended durably and replayed in order.
 *
 * @example Append and replay
 * ```ts
 * import { Journal } from "@ministate/ministate/journal";
 * import { assertEquals } from "@std/assert";
 *
 * await using journal = await Journal.open<{ celsius: number }>("state", "readings.wal.jsonl");
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

export { Journal, type ReplayRange } from "./src/journal.ts";
export type { JournalRecord } from "./src/format/format.ts";
export type { JournalOptions, Stall, WaitingMax } from "./src/options.ts";
export type {
  LostRecords,
  RecoveryReport,
  SkippedSnapshot,
  TornTail,
} from "./src/recovery/report.ts";
