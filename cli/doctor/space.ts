/**
 * Checks whether there is room for what a state needs.
 *
 * @module
 */

import type { Space } from "../machine.ts";
import { numberText, sizeText } from "../text.ts";
import { type DoctorFinding, type Fact, fine, isUnknown, unknownFinding } from "./finding.ts";

/** The default of `segmentSizeMax`. */
const SEGMENT_SIZE = 8 * 1024 * 1024;

/** Other programs, such as the system log, can fill a few times our own need between two checks. */
const RESERVE_FACTOR = 4;

/**
 * Two snapshots, their segments, a new one of each, the lock, files set aside: about a dozen files, and some to spare.
 */
const INODES_NEEDED = 16;

/** A log directory or a package upgrade can create this many files at once. */
const INODES_RESERVE = 1024;

const FREE_SOME = "Free some space, or move the state to another file system";

/** Reports how much room there is; `snapshotSize` is the size of the newest snapshot, 0 when there is none. */
export function spaceFindings(space: Fact<Space>, snapshotSize: number): DoctorFinding[] {
  if (isUnknown(space)) return [unknownFinding("free space", space)];
  return [spaceFinding(space, snapshotSize), inodesFinding(space)];
}

function spaceFinding({ sizeFree, sizeTotal }: Space, snapshotSize: number): DoctorFinding {
  const check = "free space";
  // A compaction begins a segment and writes a snapshot before it deletes anything.
  const needed = SEGMENT_SIZE + snapshotSize;
  const found = `${sizeText(sizeFree)} of ${sizeText(sizeTotal)}`;
  if (sizeFree < needed) {
    return {
      check,
      mark: "problem",
      found,
      meaning:
        `The next segment and snapshot need ${sizeText(needed)}: mutations will be refused ` +
        "with DISK_FULL (nothing acknowledged is lost)",
      advice: FREE_SOME,
    };
  }
  if (sizeFree >= RESERVE_FACTOR * needed) return fine(check, found);
  return {
    check,
    mark: "warning",
    found,
    meaning: `The next segment and snapshot need ${
      sizeText(needed)
    }, and other programs write here too`,
    advice: `${FREE_SOME}; ${sizeText(RESERVE_FACTOR * needed)} are comfortable`,
  };
}

function inodesFinding({ inodesFree, inodesTotal }: Space): DoctorFinding {
  const check = "free inodes";
  if (inodesTotal === 0) return fine(check, "created as needed");
  const found = `${numberText(inodesFree)} of ${numberText(inodesTotal)}`;
  if (inodesFree >= INODES_RESERVE) return fine(check, found);
  return {
    check,
    mark: inodesFree < INODES_NEEDED ? "problem" : "warning",
    found,
    meaning:
      "When none is left, no new segment or snapshot can be made, however much space is free",
    advice:
      "Delete small files that are not needed, such as old logs and caches, or move the state",
  };
}
