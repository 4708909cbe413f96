/**
 * What a power cut may do with whatever was not synced, as rules that leave the rest to a chooser.
 *
 * @module
 */

/** What becomes of a write that was not synced. */
export type Fate = "lost" | "kept" | "torn";

/** The rules of one power cut. `mixed` lets the chooser decide each case by itself. */
export interface PowerCut {
  /** Each write: gone, there, or each of its 512-byte sectors there or gone by itself. */
  writes: Fate | "mixed";
  /** Each name made, renamed or removed since its directory was synced. */
  names: "lost" | "kept" | "mixed";
  /** The size of each file: the synced one, the latest, or any that it had in between. */
  sizes: "old" | "new" | "mixed";
  /** What stands in grown space whose bytes were lost: zeros, rubbish, or what once stood there. */
  grown: "zeros" | "rubbish" | "ghosts" | "mixed";
  /**
   * Whether a file's writes reach the disk before its rename does, as on ext4 with its defaults, or on their own.
   * @default "unordered"
   */
  renames?: "ordered" | "unordered" | "mixed";
  /**
   * What a name leads to until the file is synced after it got the name: to the file, as on most file systems, or to
   * nothing, as on FAT, which keeps start and size of a file beside its name: a `blank` name has size 0, or, where it
   * replaced another file, still leads to that one.
   * @default "whole"
   */
  entries?: "whole" | "blank" | "mixed";
}

/** Any power cut at all. */
export const ANY_POWER_CUT: PowerCut = {
  writes: "mixed",
  names: "mixed",
  sizes: "mixed",
  grown: "mixed",
  renames: "mixed",
  entries: "mixed",
};

/** The extremes, by name: a place in a list comes to mean another one when the list grows. */
export const EXTREMES = {
  /** Everything not synced is gone. */
  lost: { writes: "lost", names: "lost", sizes: "old", grown: "zeros" },
  /** Everything is there. */
  kept: { writes: "kept", names: "kept", sizes: "new", grown: "zeros" },
  /** Files have their names and sizes, and zeros for bytes. */
  empty: { writes: "lost", names: "kept", sizes: "new", grown: "zeros" },
  /** Every write is there in part, among bytes that once stood there. */
  torn: { writes: "torn", names: "kept", sizes: "new", grown: "ghosts" },
  /** Everything not synced is gone from a FAT file system. */
  blank: { writes: "lost", names: "lost", sizes: "old", grown: "zeros", entries: "blank" },
} as const satisfies Record<string, PowerCut>;

/** Everything not synced is gone; everything is there; the two halves of that; and FAT. */
export const EXTREME_POWER_CUTS: readonly PowerCut[] = Object.values(EXTREMES);
