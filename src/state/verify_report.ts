/**
 * What a comparison of a program with its past reports.
 *
 * @module
 */

import type { MinistateError } from "../errors.ts";
import { type Difference, shortText } from "../format/difference.ts";
import { formatPointer } from "../format/pointer.ts";
import type { SkippedSnapshot } from "../recovery/report.ts";

/** The first difference between what happened and what the program makes of it now. */
export interface HistoryDifference {
  /**
   * What shows it: `"mutation"`, one that was accepted and that the program now refuses or can't migrate; `"snapshot"`,
   * a snapshot that holds another state or can't be migrated; `"state"`, the live state, or one of an older version
   * that could not be stored after its migration.
   */
  kind: "mutation" | "snapshot" | "state";
  /**
   * The first mutation that may be the cause. Between two snapshots the journal doesn't say what a mutation did, so only
   * the range is known.
   */
  sequenceFirst: number;
  /** The last mutation that may be the cause; the same as the first when it is known exactly. */
  sequenceLast: number;
  /** The place in the state, as a JSON Pointer; `""` is the whole state. `null` when no states were compared. */
  path: string | null;
  /** What the past holds there; absent when it holds nothing. */
  expected?: unknown;
  /** What the program gives there; absent when it gives nothing. */
  found?: unknown;
  /** The path of the snapshot that shows it; `null` when it is not in one. */
  snapshot: string | null;
  /** The error, if the program failed. */
  cause: MinistateError | null;
  /** All of this as a sentence without its period. */
  message: string;
}

/** The result of `verify`. */
export interface VerifyReport {
  /** The replay began with the state after this sequence: that of the oldest usable snapshot, or 0, the beginning. */
  from: number;
  /** The last mutation that was replayed without finding a difference. */
  to: number;
  /** How many later snapshots were compared. */
  snapshots: number;
  /** Snapshots that could not be compared, and why. */
  skipped: SkippedSnapshot[];
  /** The first difference; `null` when there is none. */
  difference: HistoryDifference | null;
}

/** What a difference was found against, and since when there may have been one. */
export interface ComparedWith {
  kind: "snapshot" | "state";
  /** The path of the snapshot; `null` for the live state. */
  snapshot: string | null;
  /** Where program and past agreed last. */
  agreed: number;
  /** Where they were compared. */
  sequenceLast: number;
}

/** The difference between two states. */
export function stateDifference(
  { kind, snapshot, agreed, sequenceLast }: ComparedWith,
  { steps, was, is }: Difference,
): HistoryDifference {
  const sequenceFirst = Math.min(agreed + 1, sequenceLast);
  const path = formatPointer(steps.map(({ key }) => key));
  const what = snapshot === null ? "The live state" : `The snapshot "${snapshot}"`;
  const where = path === "" ? "" : ` at "${path}"`;
  const textOf = (side: Difference["was"]) => side === null ? "nothing" : shortText(side.value);
  const other = "something other than a mutation changed the live state";
  const mutations = sequenceFirst === sequenceLast
    ? `mutation ${sequenceFirst} has another effect now`
    : `one of the mutations ${sequenceFirst} to ${sequenceLast} has another effect now`;
  const why = sequenceLast === agreed
    ? other
    : snapshot === null
    ? `${mutations}, or ${other}`
    : mutations;
  return {
    kind,
    sequenceFirst,
    sequenceLast,
    path,
    ...(was === null ? {} : { expected: was.value }),
    ...(is === null ? {} : { found: is.value }),
    snapshot,
    cause: null,
    message: `${what} holds ${textOf(was)}${where}, and the program gives ${textOf(is)}: ${why}`,
  };
}

/** The difference that an error of the program shows. */
export function failureDifference(
  kind: HistoryDifference["kind"],
  sequence: number,
  cause: MinistateError,
  snapshot: string | null = null,
): HistoryDifference {
  const { message } = cause;
  return {
    kind,
    sequenceFirst: sequence,
    sequenceLast: sequence,
    path: null,
    snapshot,
    cause,
    message,
  };
}
