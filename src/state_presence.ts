/**
 * Tells whether a directory holds a state, and refuses one that doesn't before anything is made in it.
 *
 * @module
 */

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
    `${found}. Nothing was made: check the path, and that its file system is mounted; ` +
      "open without create: false to begin a new state",
    { path, operation: "open", cause },
  );
}
