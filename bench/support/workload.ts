/**
 * What every contender works on: readings of about 100 bytes, of which the latest of each key counts.
 *
 * @module
 */

import type { Mutator } from "../../mod.ts";

/** One mutation; about 100 bytes of JSON. */
export interface Reading {
  key: string;
  value: number;
  unit: string;
  note: string;
}

/** The latest reading of each key. */
export type Readings = Record<string, Reading>;

/** How many keys a state has that is no longer small: about a megabyte of JSON. */
export const KEY_COUNT = 10_000;

/** How many keys a small state has: so few that rewriting a whole file for each commit is an honest contender. */
export const FEW_KEYS = 100;

/** The journal's name in every benchmark directory. */
export const JOURNAL = "bench.wal.jsonl";

/** Keeps the latest reading of each key. */
export const readings: Mutator<Readings, Reading, number> = {
  name: "bench",
  initial: () => ({}),
  apply(state, reading) {
    state[reading.key] = reading;
    return reading.value;
  },
};

/** The reading with number `i`, of one of `keyCount` keys. */
export function readingAt(i: number, keyCount = KEY_COUNT): Reading {
  return {
    key: `sensor-${String(i % keyCount).padStart(5, "0")}`,
    value: i,
    unit: "millicelsius",
    note: "measured by the board itself",
  };
}
