/**
 * Clears away what stands behind the last sound line of a segment, also where overwriting takes space that isn't there.
 *
 * @module
 */

import type { DurableFile, MaybePromise } from "../durable_fs.ts";
import { isDiskFull } from "../failures.ts";
import { fillWithLineFeeds, writeAgain } from "../disk/file_io.ts";

/**
 * What must be done to a segment before anything is written there. Until then it ends with what counts as a torn tail,
 * now and after a power cut.
 */
export interface TailRepair {
  /** Where the last batch or seal begins that may be in memory only. */
  lastStart: number;
  /** Where the last sound line ends. */
  soundEnd: number;
  /** Where the bytes end that have to go. */
  end: number;
}

/**
 * Does the repair, apart from the sync that it needs. Whatever is done of it counts for the next try.
 *
 * @throws what the operating system says, a full disk too
 */
export async function repairTail(file: DurableFile, repair: TailRepair): Promise<void> {
  const { lastStart, soundEnd, end } = repair;
  try {
    // Overwritten, not cut off: freed blocks could come back later with the old bytes in them. All of it, line feeds
    // too: after a sync that failed, they can be what is read while the disk still holds a torn tail.
    await fillWithLineFeeds(file, soundEnd, end);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    // Where overwriting takes space, every write goes to a new place: what was freed never comes back there.
    await file.truncate(soundEnd);
    repair.end = soundEnd;
  }
  await writeAgain(file, lastStart, soundEnd);
}

/** Whether a step found the disk full; any other failure is thrown. */
export async function hasNoSpaceFor(step: () => MaybePromise<unknown>): Promise<boolean> {
  try {
    await step();
    return false;
  } catch (error) {
    if (isDiskFull(error)) return true;
    throw error;
  }
}
