/**
 * Judges whether a type of file system is suitable for a state.
 *
 * @module
 */

import type { DoctorFinding, Fact, Mark } from "./finding.ts";
import { fine, isUnknown, unknownFinding } from "./finding.ts";
import { checkPassOf, isBelow, type Mount, mountOf } from "./mounts.ts";

/** What is known about the state's location. */
export interface PlaceFacts {
  /** The absolute path, with all links resolved. */
  path: string;
  mounts: Fact<Mount[]>;
  /** The text of `/etc/fstab`. */
  fstab: Fact<string>;
}

/** What a type of file system means. */
interface Rating {
  mark: Mark;
  meaning: string;
  advice: string;
}

const USE_DISK = "Choose a directory on the card or disk, such as one below /var/lib";

const VOLATILE: Rating = {
  mark: "problem",
  meaning: "It is kept in memory: a power cut or a restart loses the whole state",
  advice: USE_DISK,
};

const NETWORK: Rating = {
  mark: "warning",
  meaning:
    "Syncs and locks are only as good as the server and the network, and both fail together " +
    "with the connection",
  advice: 'Keep the state on a disk of this machine, and copy it away with "ministate backup"',
};

const FOREIGN: Rating = {
  mark: "warning",
  meaning: "It has no journal, so a power cut can damage the file system itself. It has no " +
    "owners and permissions, so every user may change the state",
  advice: "Format it with ext4 (mkfs.ext4), or choose a directory that is on ext4",
};

const FAT: Rating = {
  mark: "warning",
  meaning:
    "It has no journal. What was acknowledged survives a power cut, if the card is checked before each mount. But names " +
    "can't be changed in one step. A snapshot that was being written can be left empty, and is then reported as skipped. " +
    "A power cut while damage is set aside can cost the sound part of the damaged segment, of which a copy is in " +
    "quarantine/. Every user may change the state, because there are no owners and permissions",
  advice:
    "Keep the state on ext4 where you have the choice (mkfs.ext4, or another partition); otherwise make sure " +
    "that it is checked",
};

const UNJOURNALED: Rating = {
  mark: "warning",
  meaning:
    "It has no journal: after every power cut it must be checked, and the check may lose files",
  advice: "Turn it into ext4: tune2fs -j and fsck, or reformat it",
};

const VERDICTS: Record<string, Rating> = {
  ...each(["tmpfs", "ramfs", "devtmpfs", "rootfs"], VOLATILE),
  ...each(["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "fuse.sshfs", "ncpfs"], NETWORK),
  ...each(["vfat", "msdos", "exfat"], FAT),
  ...each(["ntfs", "ntfs3", "fuseblk", "hfsplus"], FOREIGN),
  ext2: UNJOURNALED,
};

/** The commands that check a file system before it is mounted, for types that may need it. */
const CHECKS: Record<string, string> = {
  ext2: "e2fsck -p",
  ext3: "e2fsck -p",
  ext4: "e2fsck -p",
  vfat: "fsck.vfat -a",
  msdos: "fsck.vfat -a",
  exfat: "fsck.exfat -p",
};

/** File systems that keep what was synced and need no check from us. */
const SOUND = new Set(["xfs", "btrfs", "f2fs", "ubifs", "jffs2", "zfs", "bcachefs", "nilfs2"]);

/** Emptied at start or by age on many systems (tmpfiles.d(5)), wherever they are stored. */
const EMPTIED = ["/tmp", "/var/tmp", "/run", "/var/run", "/dev/shm"];

function each(types: string[], verdict: Rating): Record<string, Rating> {
  return Object.fromEntries(types.map((type) => [type, verdict]));
}

/** Whether nothing in this file system survives a restart. */
export function isVolatile(mount: Mount): boolean {
  // zram and RAM disks are memory presented as a block device, whatever the file system on them.
  return VERDICTS[mount.type] === VOLATILE || /^\/dev\/z?ram\d/.test(mount.source);
}

/** Whether owners and permissions have no meaning there. */
export function lacksOwners(mount: Mount): boolean {
  return [FOREIGN, FAT].includes(VERDICTS[mount.type]!);
}

/** Reports the type of the file system, whether it is checked at start, and whether the location gets emptied. */
export function placeFindings(facts: PlaceFacts): DoctorFinding[] {
  const { path, mounts } = facts;
  const check = "file system";
  if (isUnknown(mounts)) return [unknownFinding(check, mounts), ...emptiedFindings(path)];
  const mount = mountOf(mounts, path);
  if (mount === null) return [unknownFinding(check, { unknown: "no mount holds it" })];
  const found = `${mount.type} at ${mount.point} (${mount.source})`;
  if (isVolatile(mount)) return [{ check, found, ...VOLATILE }];
  return [
    { check, found, ...rateFileSystem(mount, mounts) },
    ...checkedFindings(mount, facts.fstab),
    ...emptiedFindings(path),
  ];
}

function rateFileSystem(mount: Mount, mounts: Mount[]): Omit<DoctorFinding, "check" | "found"> {
  if (mount.type === "overlay") return overlayVerdict(mount, mounts);
  const verdict = VERDICTS[mount.type];
  if (verdict !== undefined) return verdict;
  if (/^ext[34]$/.test(mount.type) || SOUND.has(mount.type)) return { mark: "ok" };
  return {
    mark: "notice",
    meaning: "It is not known how well this one keeps what is synced",
    advice:
      'Cut the power in mid-write a few times, and see whether "ministate verify" finds the state sound',
  };
}

/** Writes to an overlay go to its upper directory, which is often in memory. */
function overlayVerdict({ options }: Mount, mounts: Mount[]): Rating {
  if (options.includes("volatile") || options.includes("fsync=volatile")) {
    return {
      mark: "problem",
      meaning:
        'It is mounted with "volatile": syncs do nothing, and a power cut can lose everything',
      advice: "Mount it without that option, or keep the state outside (in a container: a volume)",
    };
  }
  const upper = options.find((option) => option.startsWith("upperdir="))?.slice("upperdir=".length);
  const below = upper === undefined ? null : mountOf(mounts, upper);
  if (below !== null && isVolatile(below)) {
    return {
      ...VOLATILE,
      meaning: `What is written there is kept in memory (${below.point}), and gone after a restart`,
    };
  }
  return {
    mark: "warning",
    meaning:
      "What is written there lives as long as the overlay: with its container, or in memory " +
      "(the read-only mode of Raspberry Pi OS)",
    advice:
      "Keep the state on its own file system: a volume of the container, a partition for data",
  };
}

/** Reports whether a file system that may need it is checked before it is mounted. */
function checkedFindings(mount: Mount, fstab: Fact<string>): DoctorFinding[] {
  const command = CHECKS[mount.type];
  if (command === undefined) return [];
  const check = "check at start";
  const pass = isUnknown(fstab) ? null : checkPassOf(fstab, mount.point);
  if (pass !== null && pass > 0) return [fine(check, `yes, in pass ${pass} of /etc/fstab`)];
  return [{
    check,
    mark: "notice",
    found: pass === 0 ? "no: the last field in /etc/fstab is 0" : "not found in /etc/fstab",
    meaning: "Damage that power cuts leave in the file system itself adds up unseen",
    advice: `Let "${command}" run before each mount: end its line in /etc/fstab with 2 (1 for /)`,
  }];
}

function emptiedFindings(path: string): DoctorFinding[] {
  const emptied = EMPTIED.find((directory) => isBelow(path, directory));
  if (emptied === undefined) return [];
  return [{
    check: "place",
    mark: "warning",
    found: `below ${emptied}`,
    meaning: "Systems empty it when they start, or delete old files there",
    advice: USE_DISK,
  }];
}
