/**
 * Tells whether a directory holds a state, and refuses one that doesn't before anything is made in it.
 *
 * @module
 */

import { BY_OPTION } from "./advice.ts";
import type { DurableFs } from "./durable_fs.ts";
import { ioError, NoStateError } from "./errors.ts";
import { checkDirectory, listState, type StateFiles, stemOf } from "./format/names.ts";

/** Whether there is any segment or snapshot, sound or not. A lock or an unfinished file is no state yet. */
export function holdsState({ segments, snapshots }: StateFiles): boolean {
  return segments.length + snapshots.length > 0;
}

/**
 * Refuses a directory that is missing or holds no state. A mount that is missing leaves an empty directory, in which
 * a fresh state would take the place of the real one.
 *
 * @throws {NoStateError} when there is none; nothing was made
 */
export async function refuseWithoutState(
  fs: DurableFs,
  path: string,
  journalName: string,
): Promise<void> {
  const stem = stemOf(journalName);
  let cause: unknown;
  try {
    if (holdsState(await listState(fs, checkDirectory(path), stem))) return;
  } catch (error) {
    const known = ioError("list", path, error);
    if (known.systemCode !== "ENOENT") throw known;
    cause = known.cause;
  }
  const found = cause === undefined
    ? `"${path}" holds no state: no file in it is a segment or a snapshot`
    : `There is no directory "${path}"`;
  throw new NoStateError(
    `${found}. Nothing was made: check the path, and that its file system is mounted` +
      BY_OPTION.create,
    { path, operation: "open", cause },
  );
}

/** The error for a state that was there when `open` first looked, and isn't any more. */
export function stateVanished(path: string): NoStateError {
  return new NoStateError(
    `"${path}" held a state a moment ago and holds none now: it was unmounted, moved or removed while it was being ` +
      "opened. Nothing was made but perhaps an empty lock file: see to it that its file system stays mounted, and " +
      "open again",
    { path, operation: "open" },
  );
}
