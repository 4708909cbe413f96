/**
 * What all files of one journal have in common, and the header that each of its segments begins with.
 *
 * @module
 */

import { begunAt, type Editions, headerEdition } from "../disk/editions.ts";
import { type DirectoryNotes, FORMAT, type SegmentHeader } from "../format/format.ts";

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

/** Makes the header of a segment that begins with `first`. `notes` are about the directory so far. */
export function segmentHeader(
  identity: JournalIdentity,
  first: number,
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
    mutator,
    version,
    timestamp,
    written,
    compactionFailure: notes.compactionFailure,
  };
}
