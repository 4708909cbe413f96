/**
 * Decides whether a snapshot could replace the journal before it.
 *
 * @module
 */

import { readHeaderOf } from "../disk/header_file.ts";
import type { NamedFile } from "../disk/names.ts";
import type { Pieces } from "../disk/pieces.ts";
import type { DurableFs } from "../durable_fs.ts";
import { isOther, pointOf } from "../format/history_point.ts";
import { verifySnapshot } from "../snapshot/snapshot_file.ts";

/**
 * Whether a snapshot is sound to the last byte, and belongs to the same journal and history as the segment after it.
 *
 * @param segments all segments of the directory
 * @param id the journal's identity
 * @param pieces how much to read at once
 */
export async function canStandIn(
  fs: DurableFs,
  file: NamedFile,
  segments: readonly NamedFile[],
  id: string,
  pieces?: Pieces,
): Promise<boolean> {
  try {
    const header = await verifySnapshot(fs, file, pieces);
    // Another journal's snapshot can't be used.
    if (header.id !== id) return false;
    const next = segments.find(({ sequence }) => sequence === file.sequence + 1);
    if (next === undefined) return true;
    const reading = await readHeaderOf(fs, next, "journal");
    return reading.kind === "sound" &&
      !isOther(pointOf(reading.header).checksum, pointOf(header).checksum);
  } catch {
    // Whatever makes it unreadable, it can't be used.
    return false;
  }
}
