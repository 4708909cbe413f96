/**
 * Makes sure that a reader without the lock shows nothing that a power cut could still take back.
 *
 * A batch counts once something follows it, because the writer writes nothing before earlier bytes are synced. The
 * reader syncs a batch itself only if that stays the last one for a while: the writer may have died.
 *
 * @module
 */

import { systemCodeOf } from "../durable_fs.ts";
import type { Batch } from "../format/scan.ts";
import type { SegmentReader } from "./segment_reader.ts";

/** How long a batch may be the last one before a reader syncs it, in milliseconds. */
const LAST_FOR_MS = 50;

/** The error codes of a file system with nothing to sync, such as a read-only image. */
const NOTHING_TO_SYNC: ReadonlySet<string | undefined> = new Set([
  "EINVAL",
  "EROFS",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
]);

/**
 * Returns once the last batch that `reader` returned is durable.
 *
 * @param timestamp when the batch was written; it only affects how long this takes
 * @param isFollowed whether there is a later segment
 * @returns the batches that followed in the meantime, which are not covered; `null` if there are none
 * @throws {IoError} when it can't be synced
 */
export async function awaitCover(
  reader: SegmentReader,
  timestamp: number,
  isFollowed: () => Promise<boolean>,
): Promise<Batch[] | null> {
  for (let hasWaited = false;; hasWaited = true) {
    const more = await reader.read();
    if (more !== null || reader.sealed || await isFollowed()) return more;
    const age = Date.now() - timestamp;
    // A batch from the future was written by another clock, so its age is unknown.
    if (hasWaited || age >= LAST_FOR_MS) break;
    await new Promise((resolve) => setTimeout(resolve, LAST_FOR_MS - Math.max(0, age)));
  }
  try {
    await reader.syncData();
  } catch (error) {
    if (!NOTHING_TO_SYNC.has(systemCodeOf(error))) throw error;
  }
  return null;
}
