/**
 * A manager's write statistics, in the form that programs receive.
 *
 * @module
 */

import type { StatsOptions } from "../options.ts";
import type { Ledger } from "../wear/ledger.ts";
import { statsSettings } from "../options.ts";
import {
  cardYears,
  type Life,
  type Traffic,
  type TrafficRatios,
  withRatios,
} from "../format/traffic.ts";

/** What was written. It does not count what the file system or the card writes on its own. */
export interface Stats {
  /** How long the directory has been open, in milliseconds, by a monotonic clock. */
  openMs: number;
  /** Since it was opened, including what opening itself wrote. Zero when read-only. */
  sinceOpen: Traffic & TrafficRatios;
  /** Over the lifetime of the directory, as far as its files record it; see `since`. */
  life: Life & TrafficRatios;
  /**
   * How many years a new card of `enduranceBytes` lasts at the average rate since opening; `null` when `enduranceBytes`
   * is not given, or nothing was written. Opening and the first mutation cost some 90 KiB, so ask after some hours.
   */
  cardYears: number | null;
}

/**
 * Computes the statistics from a ledger.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 * @throws {RangeError} when the endurance is not a whole number of at least 1
 */
export function statsOf(ledger: Ledger, options: StatsOptions): Stats {
  const { enduranceBytes } = statsSettings(options);
  const { openMs, sinceOpen, life } = ledger;
  return {
    openMs,
    sinceOpen: withRatios(sinceOpen),
    life: withRatios(life),
    cardYears: enduranceBytes === undefined
      ? null
      : cardYears(enduranceBytes, sinceOpen.cardBytes, openMs),
  };
}
