/**
 * The fields that end the last line of a batch: the horizon, the timestamp, notes if there are any, and the checksum.
 * Only this file knows their order. The writing side (encode.ts) and both readers (batch_scan.ts,
 * recovery/tail_evidence.ts) use it.
 *
 * @module
 */

import { isCount } from "./format.ts";
import { parseJson } from "./json_parse.ts";
import { isRanges, NO_RANGES, type SequenceSpan } from "./ranges.ts";

/** The fields of every line: the sequence and the mutation. */
export const LINE_FIELDS = 2;

/** How many more fields the last line of a batch has, with its notes. */
const END_FIELDS = 4;

/** What a batch says only when there is something to say. */
export interface BatchNotes {
  /** Its atomic groups of two mutations or more. */
  groups?: readonly SequenceSpan[] | undefined;
  /** The mutations of the batch before it that were refused, even if a seal or header between them says so already. */
  refused?: readonly SequenceSpan[] | undefined;
}

/** What the last line of a batch says about all of it. */
export interface BatchEnd {
  /** The highest sequence known to be synced; the first record of the batch is the next one. */
  horizon: number;
  timestamp: number;
  groups: readonly SequenceSpan[];
  refused: readonly SequenceSpan[];
}

/** Everything between the last mutation of a batch and the checksum. */
export function encodeBatchEnd(horizon: number, timestamp: number, notes?: BatchNotes): string {
  if (notes?.groups === undefined && notes?.refused === undefined) {
    return `,${horizon},${timestamp},`;
  }
  const { groups, refused } = notes;
  return `,${horizon},${timestamp},${JSON.stringify({ groups, refused })},`;
}

/** Reads the end of a batch from its last line, parsed; `null` when it isn't one. */
export function batchEndOf(line: unknown): BatchEnd | null {
  if (!Array.isArray(line)) return null;
  const count = line.length - LINE_FIELDS;
  if (count !== END_FIELDS && count !== END_FIELDS - 1) return null;
  const horizon: unknown = line[LINE_FIELDS];
  const timestamp: unknown = line[LINE_FIELDS + 1];
  if (!isCount(horizon) || typeof timestamp !== "number") return null;
  if (count < END_FIELDS) return { horizon, timestamp, groups: NO_RANGES, refused: NO_RANGES };
  const notes: unknown = line[LINE_FIELDS + 2];
  if (typeof notes !== "object" || notes === null) return null;
  const { groups = NO_RANGES, refused = NO_RANGES } = notes as BatchNotes;
  if (groups !== NO_RANGES && !isRanges(groups, horizon + 1, Infinity)) return null;
  if (refused !== NO_RANGES && !isRanges(refused, 1, horizon)) return null;
  return { horizon, timestamp, groups, refused };
}

/** Like {@linkcode batchEndOf} for the text of a line whose beginning may be damaged. */
export function batchEndAfterDamage(text: string): BatchEnd | null {
  const checksum = text.lastIndexOf(",");
  // The notes hold no object themselves, so the last bracket opens them.
  let start = text[checksum - 1] === "}" ? text.lastIndexOf(",{", checksum) : checksum;
  // The timestamp, then the horizon.
  for (let field = 0; field < 2 && start >= 0; field++) start = text.lastIndexOf(",", start - 1);
  if (start < 0) return null;
  return batchEndOf(parseJson(`[0,0${text.slice(start)}`));
}
