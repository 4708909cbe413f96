/**
 * Describes what is wrong with one file, for an inspection.
 *
 * @module
 */

import { CorruptionError, ForeignFormatError, type MinistateError } from "../errors.ts";
import { messageOf } from "../failures.ts";
import { SNAPSHOT_OF_OTHER_HISTORY } from "../journal/other_history.ts";
import type { ReadSegment } from "./segment_facts.ts";

/** A description of why a file can't be used. */
export function flawOf(error: MinistateError): string {
  if (error instanceof ForeignFormatError) return "it was not written by this library";
  if (error instanceof CorruptionError && error.offset === undefined) {
    return SNAPSHOT_OF_OTHER_HISTORY;
  }
  if (error instanceof CorruptionError) {
    return error.offset === 0
      ? "its first line is damaged"
      : `it is damaged near offset ${error.offset}`;
  }
  return unreadableFlaw(error);
}

/** What is wrong with a segment that is not sound to its end, and where that begins. */
export function placeOfFlaw({ damage, unreadable }: ReadSegment): {
  flaw: string;
  offset: number;
} {
  if (damage !== null) {
    const flaw = `its bytes are not as they were written (${damage.reason})`;
    return { flaw, offset: damage.offset };
  }
  return { flaw: unreadableFlaw(unreadable!), offset: unreadable!.offset! };
}

function unreadableFlaw(
  refusal: { systemCode?: string; offset?: number; cause?: unknown },
): string {
  const { systemCode, offset, cause } = refusal;
  const where = offset === undefined ? "it" : `its bytes at offset ${offset}`;
  return `the disk refuses to give ${where} (${systemCode ?? messageOf(cause)})`;
}
