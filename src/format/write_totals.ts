/**
 * Counts of what is written: sums, ratios, and how long a card would last.
 *
 * @module
 */

import { isCount } from "./format.ts";

/** The smallest unit that a card or disk writes, in bytes. */
export const PAGE_SIZE = 4096;

/** What was written during some period. */
export interface WriteCounts {
  /** Mutations that became durable. */
  mutations: number;
  /** The bytes of their records: the journal's lines, line feeds and checksums included. */
  recordBytes: number;
  /** Writes that the operating system accepted, of the journal, snapshots and files set aside. */
  writes: number;
  /** The bytes in them. */
  bytes: number;
  /** The bytes that the card writes for them: whole pages of 4,096 bytes, each counted once until the next sync. */
  cardBytes: number;
  /** Syncs of files and directories. */
  syncs: number;
}

/** What was written over the lifetime of a state directory. */
export interface WriteTotals extends WriteCounts {
  /** The first sequence that is counted; 1 unless files come from a version that didn't count. */
  since: number;
}

/** Ratios worked out from the counts. */
export interface WriteRatios {
  /** The bytes that the card writes per mutation; `null` when there was none. */
  cardBytesPerMutation: number | null;
  /** The bytes that the card writes per byte of the mutations' records; `null` when there was none. */
  writeAmplification: number | null;
}

const NONE: WriteCounts = {
  mutations: 0,
  recordBytes: 0,
  writes: 0,
  bytes: 0,
  cardBytes: 0,
  syncs: 0,
};

const COUNTS = Object.keys(NONE) as (keyof WriteCounts)[];

const YEAR_MS = 365.25 * 24 * 60 * 60 * 1000;

/** Counts that are all zero. */
export function noWrites(): WriteCounts {
  return { ...NONE };
}

/** Adds to the totals. A count stops at 2^53 - 1, so that forged totals don't lead to an unreadable header. */
export function addWrites(totals: WriteTotals, counts: WriteCounts): WriteTotals {
  // Any other members of forged totals are dropped.
  const sum: WriteTotals = { since: totals.since, ...NONE };
  for (const count of COUNTS) {
    sum[count] = Math.min(totals[count] + counts[count], Number.MAX_SAFE_INTEGER);
  }
  return sum;
}

/** Checks that a value read from a file holds valid totals. */
export function isWriteTotals(value: unknown): value is WriteTotals {
  const totals = value as WriteTotals | null;
  return typeof totals === "object" && totals !== null && isCount(totals.since) &&
    COUNTS.every((count) => isCount(totals[count]));
}

/** The pages that a write touches, in bytes. */
export function pagesTouched(offset: number, size: number): number {
  const first = Math.floor(offset / PAGE_SIZE);
  return (Math.ceil((offset + size) / PAGE_SIZE) - first) * PAGE_SIZE;
}

/** A copy of the counts, with their ratios. */
export function withRatios<T extends WriteCounts>(counts: T): T & WriteRatios {
  const { mutations, recordBytes, cardBytes } = counts;
  return {
    ...counts,
    cardBytesPerMutation: mutations > 0 ? cardBytes / mutations : null,
    writeAmplification: recordBytes > 0 ? cardBytes / recordBytes : null,
  };
}

/**
 * How many years a card lasts that endures `enduranceBytes` in all, if `cardBytes` are written in `elapsedMs`; `null`
 * when nothing was written or no time has passed.
 */
export function cardYears(
  enduranceBytes: number,
  cardBytes: number,
  elapsedMs: number,
): number | null {
  if (!(cardBytes > 0 && elapsedMs > 0)) return null;
  return enduranceBytes / cardBytes * elapsedMs / YEAR_MS;
}
