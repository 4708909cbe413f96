/**
 * Explains what the options of a mount mean for a state.
 *
 * @module
 */

import type { DoctorFinding, Mark } from "./finding.ts";
import { fine } from "./finding.ts";
import type { Mount } from "./mounts.ts";

interface Rule {
  matches: RegExp;
  mark: Mark;
  meaning: string;
  advice?: string;
}

const REMOVE = "Take the option out of /etc/fstab and mount again";

const RULES: Rule[] = [
  {
    matches: /^(ro|emergency_ro|shutdown)$/,
    mark: "problem",
    meaning:
      "Nothing can be written; if no one mounted it that way, the kernel did, after an error",
    advice: 'Look for errors with "dmesg"; then e2fsck and "mount -o remount,rw", or a new card',
  },
  {
    matches: /^(nobarrier|barrier=0|barrier=none|fsync_mode=nobarrier)$/,
    mark: "problem",
    meaning: "Syncs don't flush the device's cache: a power cut can lose acknowledged mutations",
    advice: REMOVE,
  },
  {
    matches: /^data=writeback$/,
    mark: "warning",
    meaning:
      "After a power cut, files that were growing can hold old bytes of other files; what was " +
      "synced is safe, but other programs' files are not",
    advice: "Mount with data=ordered, the default",
  },
  {
    matches: /^fsync_mode=posix$/,
    mark: "notice",
    meaning:
      "The name of a new file can be missing after a power cut until its directory is synced, " +
      "which ministate does and many programs don't",
    advice: "If other programs' files matter, mount with fsync_mode=strict",
  },
  {
    matches: /^(sync|dirsync)$/,
    mark: "notice",
    meaning:
      "Every write waits for the disk, even when it needn't: slower, and the card wears out sooner",
    advice: `${REMOVE}: ministate syncs what it must by itself`,
  },
  {
    matches: /^strictatime$/,
    mark: "notice",
    meaning: "Every read causes a write: the card wears out sooner",
    advice: "Mount with noatime",
  },
  {
    matches: /^discard(=sync)?$/,
    mark: "notice",
    meaning:
      "Deleting files (each compaction does) makes the card erase at once: syncs can stall meanwhile",
    advice: "If they do, take the option out and enable fstrim.timer instead",
  },
  {
    matches: /^commit=/,
    mark: "notice",
    meaning:
      "How often everything unsynced is written; mutations don't wait for it, and lose nothing by it",
  },
];

/** Reports the meaning of each relevant option. */
export function optionFindings(mount: Mount): DoctorFinding[] {
  const check = "mount options";
  const findings = RULES.flatMap(({ matches, mark, meaning, advice }): DoctorFinding[] => {
    const option = mount.options.find((one) => matches.test(one));
    return option === undefined ? [] : [{ check, mark, found: option, meaning, advice }];
  });
  return findings.length === 0 ? [fine(check, mount.options.join(","))] : findings;
}
