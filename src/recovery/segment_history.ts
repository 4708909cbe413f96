/**
 * Determines to which history a segment belongs, by comparing what it continues with what comes before it. Pure.
 *
 * @module
 */

import { isOther, pointOf } from "../format/history_point.ts";
import type { ReadSegment, SegmentFacts } from "./segment_facts.ts";
import type { ReplayStart, SurveyBasis } from "./survey.ts";

/** Whether a segment fails to continue what replay has reached before it. */
export function isOfOtherHistory(
  { start, identity }: SurveyBasis,
  facts: SegmentFacts,
  before: SegmentFacts | null,
): boolean {
  if (facts.failure !== null || identity !== null && facts.header.id !== identity.id) return false;
  // The first needed segment holds the batch at which replay starts, or follows it. Nothing before it is read.
  if (facts.file.sequence <= start.sequence + 1) return isOtherAt(facts, start);
  return continuesOther(facts, before);
}

/** Whether a segment shows another history at a snapshot. */
export function isOtherAt(
  { points }: ReadSegment,
  { sequence, checksum }: Pick<ReplayStart, "sequence" | "checksum">,
): boolean {
  return isOther(points.get(sequence) ?? null, checksum);
}

/** Whether a segment continues one of the same journal and history, so that it speaks of the same mutations. */
export function isContinuedBy(
  before: ReadSegment,
  next: SegmentFacts | undefined,
): next is ReadSegment {
  return next?.failure === null && next.header.id === before.header.id &&
    next.header.first === before.sequenceNext && !continuesOther(next, before);
}

/** Whether a segment names a batch other than the one at which the segment before it ends. */
export function continuesOther({ header }: ReadSegment, before: SegmentFacts | null): boolean {
  if (before === null || before.failure !== null || before.sequenceNext !== header.first) {
    return false;
  }
  return isOther(pointOf(header).checksum, before.checksum);
}
