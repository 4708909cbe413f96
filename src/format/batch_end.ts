/**
 * The fields that end the last line of a batch: the horizon, the timestamp and the checksum. Their order stands here
 * alone, for the writing side (encode.ts) and for both readers (batch_scan.ts, recovery/tail_evidence.ts).
 *
 * @module
 */

import { isCount } from "./format.ts";
import { parseJson } from "./json_parse.ts";

/** The fields of every line: the sequence and the mutation. */
export const LINE_FIELDS = 2;

/** How many more fields the last line of a batch has. */
const END_FIELDS = 3;

/** What the last line of a batch says about all of it. */
export interface BatchEnd {
  /** The highest sequence known to be synced; the first record of the batch is the next one. */
  horizon: number;
  timestamp: number;
}

/** Everything between the last mutation of a batch and the checksum. */
export function encodeBatchEnd(horizon: number, timestamp: number): string {
  return `,${horizon},${timestamp},`;
}

/** Reads the end of a batch from its last line, parsed; `null` when it isn't one. */
export function batchEndOf(line: unknown): BatchEnd | null {
  if (!Array.isArray(line) || line.length !== LINE_FIELDS + END_FIELDS) return null;
  const horizon: unknown = line[LINE_FIELDS];
  const timestamp: unknown = line[LINE_FIELDS + 1];
  if (!isCount(horizon) || typeof timestamp !== "number") return null;
  return { horizon, timestamp };
}

/** Like {@linkcode batchEndOf} for the text of a line whose beginning may be damaged. */
export function batchEndAfterDamage(text: string): BatchEnd | null {
  let start = text.length;
  for (let field = 0; field < END_FIELDS; field++) {
    start = text.lastIndexOf(",", start - 1);
    if (start < 0) return null;
  }
  return batchEndOf(parseJson(`[0,0${text.slice(start)}`));
}
