/**
 * How far a segment is filled with line feeds ahead of its tail: one rule for its writer and for whoever counts what it wrote.
 *
 * @module
 */

import { FILL_RESERVE, FILL_SIZE_MAX, FILL_SIZE_MIN } from "../format/format.ts";
import { PAGE_SIZE } from "../traffic.ts";

/**
 * Where the fill ends that a batch needs, from which a page begins; `filledEnd` when there is enough of it. Each time
 * it is as large as what was written since `startOffset`, within limits, so that a busy journal rarely waits.
 *
 * @param startOffset where this process began to write
 */
export function fillEndFor(
  offset: number,
  batchSize: number,
  filledEnd: number,
  startOffset: number,
): number {
  const needed = offset + batchSize + FILL_RESERVE;
  if (needed <= filledEnd) return filledEnd;
  const step = Math.min(FILL_SIZE_MAX, Math.max(FILL_SIZE_MIN, offset - startOffset));
  return Math.ceil((needed + step) / PAGE_SIZE) * PAGE_SIZE;
}
