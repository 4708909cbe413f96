/**
 * Reads a segment as far as it is sound and the disk can read it.
 *
 * @module
 */

import type { Batch } from "../format/scan.ts";
import type { SegmentReader } from "../journal/segment_reader.ts";

/** Reads a segment up to its end, to damage, or to the first place that the disk refuses to read. */
export async function readWhatIsSound(
  reader: SegmentReader,
  consume: (batch: Batch) => void,
): Promise<void> {
  try {
    for (let batches; (batches = await reader.read()) !== null;) batches.forEach(consume);
  } catch (error) {
    // An error thrown by a consumer is never ours to ignore.
    if (error !== reader.unreadable) throw error;
  }
}

/** Whether a segment that was read ends with anything but empty space. */
export function endsUnsound(reader: SegmentReader): boolean {
  return reader.damage !== null || reader.unreadable !== null;
}
