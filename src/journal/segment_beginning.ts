/**
 * The first bytes of a journal's segment: its header, the initial state, and what doesn't fit in the header.
 *
 * @module
 */

import { type Beginning, encodeBeginning, encodeSeal } from "../format/encode.ts";
import { type JournalIdentity, segmentHeader, type SegmentPast } from "./journal_identity.ts";
import type { WriterSettings } from "./writer_settings.ts";

/**
 * Makes the first bytes of a segment that begins with `first`.
 *
 * A list of refused mutations that is too long for the header is in a seal after it. It gets its name together with the
 * header, so it is never missing, even if the segment replaces one that holds the only record of them.
 */
export function segmentBeginning(
  identity: JournalIdentity,
  first: number,
  past: SegmentPast,
  timestamp: number,
  { fs, initial, writeCounter: { notes } }: WriterSettings,
): Beginning {
  const header = segmentHeader(identity, first, past, timestamp, notes);
  const beginning = encodeBeginning(header, first === 1 ? initial() : null, fs.crc32);
  const { refused } = past;
  if (header.undecided !== true || !refused) return beginning;
  const content = { sequence: first - 1, refused, ...notes };
  const seal = encodeSeal(content, fs.crc32, beginning.checksum);
  const bytes = new Uint8Array(beginning.bytes.length + seal.length);
  bytes.set(beginning.bytes);
  bytes.set(seal, beginning.bytes.length);
  return { ...beginning, bytes };
}
