/**
 * What a manager tells about its writing, in the form that programs get.
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

/** What was written. It leaves out what the file system writes of its own and how the card levels its wear. */
export interface Stats {
  /** How long it has been open, in milliseconds, by a clock that nobody sets. */
  openMs: number;
  /** Since it was opened, what opening itself wrote included. Nothing when it is read-only. */
  sinceOpen: Traffic & TrafficRatios;
  /** Over the life of the directory, as far as its files tell; see `since`. */
  life: Life & TrafficRatios;
  /**
   * How many years a card of `enduranceBytes` lasts from new when it is written as since it was opened; `null` when
   * that is not given, or nothing was written. Opening and the first mutation cost some 90 KiB, so ask after some hours.
   */
  cardYears: number | null;
}

/**
 * Makes the stats of a ledger.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 * @throws {RangeError} when the endurance is not a whole number from 1
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
