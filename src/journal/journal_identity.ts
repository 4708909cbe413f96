/**
 * What all files of one journal have in common, and the header that each of its segments begins with.
 *
 * @module
 */

import { begunAt, type Editions, headerEdition } from "../disk/editions.ts";
import type { NamedFile } from "../disk/names.ts";
import { afterBatch } from "../format/history_point.ts";
import { type DirectoryNotes, FORMAT, type SegmentHeader } from "../format/format.ts";
import { type SequenceSpan, sizeOfRanges } from "../format/ranges.ts";

/** What a journal's files have in common. */
export interface JournalIdentity extends Editions {
  directory: string;
  stem: string;
  id: string;
  mutator: string | null;
  version: number;
}

/** Draws the identity of a new journal. It only has to differ from others. */
export function drawId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How much of a header the refused mutations may take, in characters. Everything else in it takes up to 3,600 bytes. */
const REFUSED_SIZE_MAX = 256;

/** What a segment's header says about the time before it. */
export interface SegmentPast {
  /** The checksum of the batch before it; `null` when it is not known. */
  checksum: number | null;
  /** The mutations of that batch that were refused; `null` when that isn't known. */
  refused?: readonly SequenceSpan[] | null;
}

function refusedMember(
  refused: readonly SequenceSpan[] | null,
): Pick<SegmentHeader, "refused" | "undecided"> {
  if (refused === null || sizeOfRanges(refused) > REFUSED_SIZE_MAX) return { undecided: true };
  return refused.length === 0 ? {} : { refused };
}

/**
 * Makes the header of a segment that begins with `first`.
 *
 * @param past what came before it
 * @param notes about the directory so far
 */
export function segmentHeader(
  identity: JournalIdentity,
  first: number,
  { checksum, refused = [] }: SegmentPast,
  timestamp: number,
  notes: DirectoryNotes = {},
): SegmentHeader {
  const { id, mutator, version } = identity;
  // Before the first mutation there is nothing to record: counting begins with this segment.
  const written = (notes.written?.mutations ?? 0) > 0 ? notes.written : undefined;
  return {
    ministate: "journal",
    format: FORMAT,
    id,
    first,
    ...headerEdition(begunAt(identity, first)),
    after: afterBatch(first, checksum),
    mutator,
    version,
    timestamp,
    ...refusedMember(refused),
    written,
    compactionFailure: notes.compactionFailure,
  };
}

/** The identity once a segment is there: it may have begun the edition. */
export function identityIn(file: NamedFile, identity: JournalIdentity): JournalIdentity {
  return file.edition < identity.edition ? identity : begunAt(identity, file.sequence);
}
