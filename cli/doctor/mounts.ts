/**
 * Reads the kernel's list of mounts, and the list of file systems mounted at start (`/etc/fstab`).
 *
 * @module
 */

/** One mounted file system. */
export interface Mount {
  /** The device's numbers, such as "179:2". */
  device: string;
  /** Where it is mounted. */
  point: string;
  /** `ext4`, `tmpfs`, … */
  type: string;
  /** What is mounted, such as "/dev/mmcblk0p2". */
  source: string;
  /** The options of the mount and of the file system. */
  options: string[];
}

/** Parses `/proc/self/mountinfo` (proc_pid_mountinfo(5)); a line in another form is skipped. */
export function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [left, right] = line.split(" - ");
    const [, , device, , point, own] = left!.split(" ");
    const [type, source, shared] = (right ?? "").split(" ");
    if (own === undefined || shared === undefined) return [];
    const options = [...new Set([...own.split(","), ...shared.split(",")])];
    return [{
      device: device!,
      point: unescape(point!),
      type: type!,
      source: unescape(source!),
      options,
    }];
  });
}

/** Whether `path` is `directory` or below it; both absolute. */
export function isBelow(path: string, directory: string): boolean {
  return path === directory ||
    path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}

/**
 * The mount that holds an absolute path: the deepest one. At the same point the last one wins, since it covers the
 * others.
 */
export function mountOf(mounts: Mount[], path: string): Mount | null {
  let best: Mount | null = null;
  for (const mount of mounts) {
    const deeper = best === null || mount.point.length >= best.point.length;
    if (deeper && isBelow(path, mount.point)) best = mount;
  }
  return best;
}

/**
 * When the mount at `point` is checked at start: the sixth field of its line in `/etc/fstab`, 0 for never; `null` if it
 * has no line.
 */
export function checkPassOf(fstab: string, point: string): number | null {
  for (const line of fstab.split("\n")) {
    const [source, at, , , , pass] = line.trim().split(/\s+/);
    if (source!.startsWith("#") || at === undefined || unescape(at) !== point) continue;
    return Number(pass ?? 0);
  }
  return null;
}

/** Blanks and similar characters are written as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}
