/**
 * Rules for what a power cut may do with unsynced data. A chooser decides what the rules leave open.
 *
 * @module
 */

/** The rules of one power cut. With `mixed`, the chooser decides each case separately. */
export interface PowerCut {
  /** Each write: lost, kept, or each of its 512-byte sectors lost or kept separately. */
  writes: "lost" | "kept" | "torn" | "mixed";
  /** Each name created, renamed or removed since its directory was synced. */
  names: "lost" | "kept" | "mixed";
  /** The size of each file: the synced one, the latest, or any that it had in between. */
  sizes: "old" | "new" | "mixed";
  /** What grown space holds where its bytes were lost: zeros, rubbish, or what once stood there. */
  grown: "zeros" | "rubbish" | "ghosts" | "mixed";
  /**
   * Whether a file's writes reach the disk before its rename does, as on ext4 with its defaults, or independently.
   * @default "unordered"
   */
  renames?: "ordered" | "unordered" | "mixed";
  /**
   * What a name leads to until the file is synced after it got the name. `whole`: the file, as on most file systems.
   * `blank`: nothing, as on FAT, which stores a file's start and size beside its name. A `blank` name has size 0 or, if
   * it replaced another file, still leads to that one.
   * @default "whole"
   */
  entries?: "whole" | "blank" | "mixed";
}

/** Any power cut. */
export const ANY_POWER_CUT: PowerCut = {
  writes: "mixed",
  names: "mixed",
  sizes: "mixed",
  grown: "mixed",
  renames: "mixed",
  entries: "mixed",
};

/** The extremes, by name: an index would mean something else when the list grows. */
export const EXTREMES = {
  /** Everything unsynced is gone. */
  lost: { writes: "lost", names: "lost", sizes: "old", grown: "zeros" },
  /** Everything is kept. */
  kept: { writes: "kept", names: "kept", sizes: "new", grown: "zeros" },
  /** Files have their names and sizes, but zeros for bytes. */
  empty: { writes: "lost", names: "kept", sizes: "new", grown: "zeros" },
  /** Every write is there in part, mixed with bytes that once stood there. */
  torn: { writes: "torn", names: "kept", sizes: "new", grown: "ghosts" },
  /** Everything unsynced is gone from a FAT file system. */
  blank: { writes: "lost", names: "lost", sizes: "old", grown: "zeros", entries: "blank" },
} as const satisfies Record<string, PowerCut>;

/** Everything unsynced is gone; everything is kept; two cases in between; and FAT. */
export const EXTREME_POWER_CUTS: readonly PowerCut[] = Object.values(EXTREMES);
