/**
 * Counts what a simulation has checked, for its report.
 *
 * @module
 */

import type { RecoveryReport } from "@ministate/ministate";

/** How the journal ended that a recovery found. */
export type Outcome =
  | "nothing yet"
  | "sealed"
  | "sound"
  | "sound, with an unacknowledged batch"
  | "torn tail cut"
  | "set aside";

/** Receives everything that was checked. */
export interface Tally {
  /** One disk image was recovered and compared with the model; it came from a power cut or from damage at `operation`. */
  state(operation: string, outcome: string): void;
  /** One call was made to fail. */
  fault(): void;
}

/** Counts into nothing. */
export const UNCOUNTED: Tally = { state: () => {}, fault: () => {} };

/** Names the end that a recovery found. */
export function outcomeOf(report: RecoveryReport, acknowledged: number): Outcome {
  if (report.lost !== null) return "set aside";
  if (report.torn !== null) return "torn tail cut";
  if (report.sealed) return "sealed";
  if (report.segmentsRead === 0 && report.sequence === 0) return "nothing yet";
  return report.sequence > acknowledged ? "sound, with an unacknowledged batch" : "sound";
}
