/**
 * Decides whether a directory holds a state, and refuses one that doesn't before anything is created in it.
 *
 * @module
 */

import { BY_OPTION } from "../advice.ts";
import type { DurableFs } from "../durable_fs.ts";
import { NoStateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import { listState } from "./list_state.ts";
import { checkDirectory, type StateFiles, stemOf } from "./names.ts";

/** Whether there is any segment or snapshot, sound or not. A lock or an unfinished file is not a state. */
export function holdsState({ segments, snapshots }: StateFiles): boolean {
  return segments.length + snapshots.length > 0;
}

/**
 * Refuses a directory that is missing or holds no state. A missing mount leaves an empty directory, in which a fresh
 * state would replace the real one.
 *
 * @throws {NoStateError} when there is none; nothing was created
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
    const failure = ioError("list", path, error);
    if (failure.systemCode !== "ENOENT") throw failure;
    cause = failure.cause;
  }
  const found = cause === undefined
    ? `"${path}" holds no state: no file in it is a segment or a snapshot`
    : `There is no directory "${path}"`;
  throw new NoStateError(
    `${found}. Nothing was created: check the path, and that its file system is mounted` +
      BY_OPTION.create,
    { path, operation: "open", cause },
  );
}

/** Whether there is no state, as far as can be seen before a directory is made and locked. */
export async function isWithoutState(
  fs: DurableFs,
  path: string,
  journalName: string,
): Promise<boolean> {
  try {
    await refuseWithoutState(fs, path, journalName);
    return false;
  } catch (error) {
    // Anything else is reported once it is opened.
    return error instanceof NoStateError;
  }
}

/** The error for a state that was there when `open` first looked and is gone now. */
export function stateVanished(path: string): NoStateError {
  return new NoStateError(
    `"${path}" held a state a moment ago and holds none now: it was unmounted, moved or removed while it was being ` +
      "opened. Nothing was created except perhaps an empty lock file: make sure that its file system stays mounted, and " +
      "open again",
    { path, operation: "open" },
  );
}
