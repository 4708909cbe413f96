/**
 * What to do about a failure of the operating system, in words for the person at the board.
 *
 * @module
 */

/**
 * The parts of messages that name an option of `open`. Each stands at the end of other advice, so that the message is
 * whole without it: the command has no such options, and leaves them out.
 */
export const BY_OPTION = {
  readOnly: ", or open with readOnly",
  onlyReadOnly: ", and readOnly opens it",
  quarantine: ' (or open with onCorruption "quarantine")',
  writing: "; open it without readOnly",
  create: "; open without create: false to begin a new state",
} as const;

/** What to do about a file that looks like somebody else's, and may be ours with a damaged first line. */
export const PERHAPS_OURS =
  `If it is this journal's and damaged, "ministate verify" shows it, and "ministate repair"${BY_OPTION.quarantine} ` +
  "sets it aside";

/** A message as the command says it. */
export function withoutOptions(message: string): string {
  return Object.values(BY_OPTION).reduce((text, part) => text.replaceAll(part, ""), message);
}

const ADVICE: Record<string, string> = {
  ENOENT: "the path does not exist",
  ENOTDIR: "part of the path is a file where a directory is needed",
  ENOTEMPTY: "it holds something already; choose a directory that is new or empty",
  EISDIR: "a directory stands where a file is needed",
  EACCES:
    "give this user (and, under Deno, --allow-read and --allow-write) access to the state directory",
  EPERM:
    "give this user (and, under Deno, --allow-read and --allow-write) access to the state directory",
  EROFS: `the file system is mounted read-only; check the card${BY_OPTION.readOnly}`,
  ELOOP: "a symbolic link stands where one of our files belongs; it is not followed",
  EINVAL: "something other than a regular file stands where one of our files belongs",
  EIO: "the device failed; check the card and the system log",
  EBADMSG:
    "the file system finds its own records about the file damaged; unmount it and run fsck, then look at the card",
  EUCLEAN:
    "the file system finds its own records about the file damaged; unmount it and run fsck, then look at the card",
  ENOMEDIUM: "the card or disk is not there; check that it is still in its place",
  ENODEV: "the card or disk is not there; check that it is still in its place",
  ENXIO: "the card or disk is not there; check that it is still in its place",
  ESTALE: "the file is gone from the server of this network file system; mount it again",
  ENOLCK: "the file system gave no lock; a network file system needs its lock service",
  ENOTSUP: "the file system can't do this; put the state on another, such as ext4",
  EINTR: "a signal interrupted it; try again",
  EMFILE: "too many files are open in this process; raise its limit (ulimit -n)",
  ENFILE: "too many files are open on this machine",
  EEXIST: "a file stands where a directory is needed",
};

/** The error codes of a file system that has no way to sync what it was asked to sync. */
const CANNOT_SYNC = new Set(["EINVAL", "ENOTSUP", "ENOSYS"]);

/**
 * Advice for a failure. A refused sync gets its own advice: only file systems that can't sync directories refuse it.
 */
export function adviceFor(operation: string, code: string, cause: unknown): string {
  if (operation.startsWith("sync") && CANNOT_SYNC.has(code)) {
    return "this file system can't sync directories, so no new name in it would survive a power cut; " +
      "put the state on one that can, such as ext4";
  }
  // A file system may know better than its code says, such as that the program that locks is missing.
  const { advice } = Object(cause) as { advice?: unknown };
  if (typeof advice === "string") return advice;
  return ADVICE[code] ?? (cause instanceof Error ? cause.message : String(cause));
}
