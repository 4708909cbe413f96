/**
 * Counts what an open directory writes, and makes the statistics that programs receive.
 *
 * @module
 */

import type { CompactionFailure } from "../format/compaction_failure.ts";
import type { DirectoryNotes } from "../format/format.ts";
import {
  addWrites,
  cardYears,
  noWrites,
  withRatios,
  type WriteCounts,
  type WriteRatios,
  type WriteTotals,
} from "../format/write_totals.ts";
import { type StatsOptions, statsSettings } from "../options.ts";

/** What was written. It does not count what the file system or the card writes on its own. */
export interface Stats {
  /** How long the directory has been open, in milliseconds, by a monotonic clock. */
  openMs: number;
  /** Since it was opened, including what opening itself wrote. Zero when read-only. */
  sinceOpen: WriteCounts & WriteRatios;
  /** Over the lifetime of the directory, as far as its files record it; see `since`. */
  life: WriteTotals & WriteRatios;
  /**
   * How many years a new card of `enduranceBytes` lasts at the average rate since opening; `null` when `enduranceBytes`
   * is not given, or nothing was written. Opening and the first mutation cost some 90 KiB, so ask after some hours.
   */
  cardYears: number | null;
  /**
   * When the last snapshot or compaction failed, and why; `null` when it succeeded, or there was none. It is kept in the
   * journal, so a failure before opening counts too.
   */
  compactionFailure: CompactionFailure | null;
  /** The calls that wait for the disk, and the size of their mutations; see the option `waitingMax`. */
  waiting: { calls: number; bytes: number };
}

/** What an open directory's control lines record: counts since opening, added to the totals found in the files. */
export class WriteCounter {
  readonly #before: WriteTotals;
  readonly #openedAt = performance.now();
  /** What was written since opening; still counting. */
  readonly sinceOpen: WriteCounts;
  /** Why the last compaction failed; `null` when it did not. */
  compactionFailure: CompactionFailure | null = null;

  /** @param before the totals found in the files at opening */
  constructor(before: WriteTotals, sinceOpen: WriteCounts) {
    this.#before = before;
    this.sinceOpen = sinceOpen;
  }

  /** The totals so far. */
  get totals(): WriteTotals {
    return addWrites(this.#before, this.sinceOpen);
  }

  /** What the next seal or header records. */
  get notes(): DirectoryNotes {
    const { totals: written, compactionFailure } = this;
    return compactionFailure === null ? { written } : { written, compactionFailure };
  }

  /** How long the directory has been open, in milliseconds, by a monotonic clock. */
  get openMs(): number {
    return performance.now() - this.#openedAt;
  }

  /** Counts mutations that became durable; `size` is the size of their records, in bytes. */
  committed(count: number, size: number): void {
    this.sinceOpen.mutations += count;
    this.sinceOpen.recordBytes += size;
  }
}

/** The largest totals found in the files (totals only grow), or zero from `since`. */
export function newestTotals(found: (WriteTotals | undefined)[], since: number): WriteTotals {
  const none: WriteTotals = { since, ...noWrites() };
  return found.reduce<WriteTotals>(
    (most, life) => life !== undefined && life.bytes > most.bytes ? life : most,
    none,
  );
}

/**
 * Computes the statistics.
 *
 * @param waiting the calls that wait now
 * @throws {TypeError} when an option is unknown or of the wrong type
 * @throws {RangeError} when the endurance is not a whole number of at least 1
 */
export function statsOf(
  counter: WriteCounter,
  { calls, bytes }: Stats["waiting"],
  options: StatsOptions,
): Stats {
  const { enduranceBytes } = statsSettings(options);
  const { openMs, sinceOpen, totals, compactionFailure } = counter;
  return {
    openMs,
    sinceOpen: withRatios(sinceOpen),
    life: withRatios(totals),
    cardYears: enduranceBytes === undefined
      ? null
      : cardYears(enduranceBytes, sinceOpen.cardBytes, openMs),
    compactionFailure,
    waiting: { calls, bytes },
  };
}
