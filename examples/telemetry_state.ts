/**
 * The state of the telemetry keeper: for every sensor its latest value, its range and how often it was read.
 *
 * @module
 */

import type { Mutator } from "@ministate/ministate";

/** One reading of one sensor: the mutation. */
export interface Reading {
  /** What was read, such as `memory/available`. */
  sensor: string;
  value: number;
  unit: string;
}

/** What is kept of one sensor. */
export interface SensorState {
  unit: string;
  latest: number;
  minimum: number;
  maximum: number;
  /** How many readings there were. */
  count: number;
  /** When the latest one was journaled, in milliseconds since 1970. */
  latestAt: number;
}

/** Every sensor by its name. */
export interface TelemetryState {
  sensors: Record<string, SensorState>;
}

/** The journal's name in the state directory. */
export const JOURNAL_NAME = "telemetry.wal.jsonl";

/** Takes one reading into the state. The time comes from the journal, so that a replay gives the same state. */
export const telemetry: Mutator<TelemetryState, Reading, SensorState> = {
  name: "telemetry",
  initial: () => ({ sensors: {} }),
  apply({ sensors }, { sensor, value, unit }, { timestamp }) {
    const known = sensors[sensor] ??
      { unit, latest: value, minimum: value, maximum: value, count: 0, latestAt: timestamp };
    known.latest = value;
    known.minimum = Math.min(known.minimum, value);
    known.maximum = Math.max(known.maximum, value);
    known.count++;
    known.latestAt = timestamp;
    return sensors[sensor] = known;
  },
};
