/**
 * Sees to it that a reader without the lock shows nothing that a power cut could still take back.
 *
 * A batch counts once something stands behind it, for the writer writes nothing before the sync of what came before.
 * Only a batch that stays the last one for a while is synced by the reader itself: the writer may have died.
 *
 * @module
 */

import { systemCodeOf } from "../durable_fs.ts";
import type { Batch } from "../format/scan.ts";
import type { SegmentReader } from "./segment_reader.ts";

/** How long a batch may be the last one before a reader syncs it, in milliseconds. */
const LAST_FOR_MS = 50;

/** How a file system answers that has nothing to sync, such as an image that can only be read. */
const NOTHING_TO_SYNC: ReadonlySet<string | undefined> = new Set([
  "EINVAL",
  "EROFS",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
]);

/**
 * Returns once the last batch that `reader` gave is durable.
 *
 * @param timestamp when the batch was written. Only how long this takes depends on it
 * @param isFollowed whether there is a later segment
 * @returns what came behind it meanwhile, which is not covered; `null` when that is nothing
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
    // One from the future was written by another clock: its age is not known.
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
