/**
 * Ends the use of a full segment.
 *
 * @module
 */

import type { SegmentWriter } from "./segment_writer.ts";

/** Gives back a full segment's fill. A failure costs only that space: line feeds after the batches are harmless. */
export async function retire(segment: SegmentWriter): Promise<void> {
  try {
    try {
      await segment.trim();
    } finally {
      await segment.close();
    }
  } catch {
    return;
  }
}
