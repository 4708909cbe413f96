/**
 * Clears everything after the last sound line of a segment, even where overwriting takes space that isn't there.
 *
 * @module
 */

import type { DurableFile, MaybePromise } from "../durable_fs.ts";
import { isDiskFull } from "../failures.ts";
import { fillWithLineFeeds, writeAgain } from "../disk/file_io.ts";

/**
 * What must be done to a segment before anything is written there. Until then it ends with a torn tail, now and after a
 * power cut.
 */
export interface TailRepair {
  /** Where the last batch or seal begins that may be in memory only. */
  lastStart: number;
  /** Where the last sound line ends. */
  soundEnd: number;
  /** The end of the bytes that must be cleared. */
  end: number;
}

/**
 * Carries out the repair, apart from the sync it needs. Steps that succeed count for the next try.
 *
 * @throws the operating system's error, including a full disk
 */
export async function repairTail(file: DurableFile, repair: TailRepair): Promise<void> {
  const { lastStart, soundEnd, end } = repair;
  try {
    // Overwritten, not cut off: freed blocks could come back later with the old bytes in them. All of it, even what
    // reads as line feeds: after a failed sync, those may be in memory while the disk still holds a torn tail.
    await fillWithLineFeeds(file, soundEnd, end);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    // Where overwriting takes space, every write goes to a new place, so freed blocks never come back there.
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
