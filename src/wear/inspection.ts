/**
 * What a directory has written over its lifetime and in which period, for an inspection.
 *
 * @module
 */

import type { SegmentHeader } from "../format/format.ts";
import { withRatios, type WriteRatios, type WriteTotals } from "../format/write_totals.ts";

/** A period between two moments of the machine's clock, in milliseconds since 1970. */
export interface WearPeriod {
  /** When the oldest segment that counts was begun. */
  from: number;
  /** The time of the newest batch. */
  to: number;
  /** The bytes that the card wrote in this period, in whole pages. */
  cardBytes: number;
}

/** What was written over the lifetime of a directory. */
export interface WearInspection extends WriteTotals, WriteRatios {
  /**
   * The period that the kept journal spans; `null` when there is no journal, or its clock was not set or was set back.
   */
  period: WearPeriod | null;
}

/** A segment of the journal, oldest first. */
export interface TimedSegment {
  header: SegmentHeader;
  /** The time of its last batch; that of its header when it has none. */
  timestampLast: number;
}

/** A clock before this (2020) was never set: boards without a battery start in 1970. */
const CLOCK_SET = 1_577_836_800_000;

/**
 * Combines the totals with their ratios and period.
 *
 * @param id the journal's identity
 * @param segments its segments; `null` for one whose header can't be read
 */
export function wearOf(
  totals: WriteTotals,
  id: string | undefined,
  segments: (TimedSegment | null)[],
): WearInspection {
  const counted = segments.filter((segment) => segment !== null)
    .filter(({ header }) => header.id === id && header.first >= totals.since);
  return { ...withRatios(totals), period: periodOf(totals, counted) };
}

function periodOf(totals: WriteTotals, counted: TimedSegment[]): WearPeriod | null {
  const times = counted.flatMap(({ header, timestampLast }) => [header.timestamp, timestampLast]);
  const continues = (time: number, i: number) =>
    Number.isFinite(time) && time >= (times[i - 1] ?? CLOCK_SET);
  const [oldest] = counted;
  if (oldest === undefined || !times.every(continues)) return null;
  const from = oldest.header.timestamp, to = times.at(-1)!;
  const before = oldest.header.written?.cardBytes ?? 0;
  return to > from ? { from, to, cardBytes: Math.max(0, totals.cardBytes - before) } : null;
}
