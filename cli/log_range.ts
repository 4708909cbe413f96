/**
 * Which mutations `log` prints: the last few, or those since a time.
 *
 * @module
 */

import type { NamedFile } from "../src/disk/names.ts";
import { JournalCursor } from "../src/journal/journal_cursor.ts";
import type { JournalFiles } from "../src/journal/journal_files.ts";

/** The first sequence to print: the first that is kept, or one so near to the end that `last` are left. */
export async function firstOf(
  files: JournalFiles,
  { last, to = Infinity }: { last?: number; to?: number },
): Promise<number> {
  const { segments } = await files.list();
  const [oldest, newest] = [segments[0]?.sequence ?? 1, segments.at(-1)];
  if (last === undefined || newest === undefined) return oldest;
  return Math.max(oldest, Math.min(to, await lastSequence(files, newest)) - last + 1);
}

/** The last sequence that a journal holds so far, of which only the newest segment is read. */
async function lastSequence(files: JournalFiles, newest: NamedFile): Promise<number> {
  const cursor = new JournalCursor(files, newest.sequence, () => null, { beside: true });
  try {
    while (await cursor.read() !== null);
    return cursor.next - 1;
  } finally {
    await cursor.close();
  }
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const AGO = /^(\d+)([smhd])$/;
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?) ?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads a time as a person writes it: `2026-11-26`, `2026-11-26 03:00:12.764Z` as `log` prints it, or `90m`, which is
 * as long ago. A time without a zone is UTC, like all that `log` prints.
 *
 * @param now milliseconds since 1970
 * @returns milliseconds since 1970; `null` when it is no time
 */
export function parseSince(text: string, now: number): number | null {
  const [, count, unit] = AGO.exec(text) ?? [];
  if (unit !== undefined) return now - Number(count) * UNITS[unit]!;
  const [, date, time = "00:00", zone = "Z"] = TIME.exec(text) ?? [];
  const parsed = date === undefined ? NaN : Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(parsed) ? null : parsed;
}
