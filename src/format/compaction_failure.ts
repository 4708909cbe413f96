/**
 * The record of a failed compaction that seals and headers carry, so that another process can report it.
 *
 * @module
 */

import { MinistateError } from "../errors.ts";
import { messageOf } from "../failures.ts";
import { isCount } from "./format.ts";

/** Why the last snapshot or compaction failed. */
export interface CompactionFailure {
  /** The last mutation when it failed. */
  sequence: number;
  /** When it failed, in milliseconds since 1970, by the machine's clock. */
  timestamp: number;
  /** The error's code, such as `INVALID_STATE` or `DISK_FULL`; `null` when the error was not this library's. */
  code: string | null;
  /** The error's message, shortened to 320 characters. For a state that is not JSON, it names the place. */
  reason: string;
}

/** A header must hold it beside the longest name of a mutator, and JSON may write six bytes for a character. */
const REASON_SIZE_MAX = 320;

/** Makes the record, short enough for the line that holds it. */
export function compactionFailureOf(
  error: unknown,
  sequence: number,
  timestamp: number,
): CompactionFailure {
  const code = error instanceof MinistateError ? error.code : null;
  const text = messageOf(error);
  const reason = text.length <= REASON_SIZE_MAX ? text : `${text.slice(0, REASON_SIZE_MAX - 1)}…`;
  return { sequence, timestamp, code, reason };
}

/** Reads the record from a control line; `null` when it has none, or one that isn't ours. */
export function readCompactionFailure(value: unknown): CompactionFailure | null {
  if (typeof value !== "object" || value === null) return null;
  const { sequence, timestamp, code, reason } = value as Record<string, unknown>;
  // It is only a report: whatever it holds, it must not make the journal unreadable.
  const isSound = isCount(sequence) && Number.isSafeInteger(timestamp) &&
    (code === null || typeof code === "string") && typeof reason === "string";
  return isSound ? { sequence, timestamp: timestamp as number, code, reason } : null;
}
