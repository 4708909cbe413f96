/**
 * The report of what `open` found and did, in a form that a program can act on.
 *
 * @module
 */

import type { SequenceRange } from "./corruption.ts";

/** An unacknowledged tail that was cut off. */
export interface TornTail {
  /** The segment it was in. */
  path: string;
  /** Where it began, in bytes. */
  offset: number;
  /** How long it was, in bytes. */
  size: number;
  /** The sequence that its first mutation would have had. */
  sequence: number;
  /** Why it was cut. */
  reason: string;
  /** Where its bytes are kept; `null` when they are not (opened read-only, or no space). */
  keptAt: string | null;
}

/** Acknowledged mutations that can no longer be proven and were left out (`onCorruption: "quarantine"`). */
export interface LostRecords extends SequenceRange {
  /** The damaged file, or the directory when a file is missing. */
  path: string;
  /** Where the damage begins, in bytes. */
  offset: number;
  /** What is wrong. */
  reason: string;
  /** The files set aside; empty when opened read-only. */
  quarantined: string[];
}

/** A snapshot that could not be used. An older one, or the journal, was used instead. */
export interface SkippedSnapshot {
  /** The snapshot, or where it was set aside. */
  path: string;
  /** The sequence in its name. */
  sequence: number;
  /** What is wrong with it. */
  reason: string;
}

/** The report of one `open`. */
export interface RecoveryReport {
  /** Whether there was no state before and a new one was created. */
  created: boolean;
  /** The snapshot that recovery started from, or `null` for the initial state. */
  snapshot: { path: string; sequence: number } | null;
  /** Snapshots that were damaged. */
  snapshotsSkipped: SkippedSnapshot[];
  /** How many mutations were replayed from the journal. */
  replayed: number;
  /** The sequence reached: the next mutation gets the one after it. */
  sequence: number;
  /** How many segments were read. */
  segmentsRead: number;
  /** Whether the journal ended with a seal, as after a clean close. */
  sealed: boolean;
  /** The torn tail that was cut, if any. */
  torn: TornTail | null;
  /** What was lost, if anything. */
  lost: LostRecords | null;
  /**
   * Files that no longer count and could not be moved away, because their inodes are damaged: run fsck. For a directory
   * that was opened read-only, those that the next open will try to move.
   */
  superseded: string[];
  /**
   * Whether the path is compared with the directory that was opened before anything is done there. It is not on a file
   * system that gives the same file another inode number each time: there, make sure that no one moves the directory.
   */
  placeChecked: boolean;
  /**
   * Why the lock file could not be opened, usually because its inode is damaged; `null` when it could be, or when
   * opened read-only. Only the directory is locked then, which keeps other writers out just as well: run fsck when you
   * can.
   */
  lockFileDamage: string | null;
  /** The mutator version that the state was migrated from, if it was. */
  migratedFrom: number | null;
}
