/**
 * Takes the lock of a state directory, and knows which directories this very process has locked.
 *
 * @module
 */

import { type DurableFs, type DurableLock, type FileIdentity, systemCodeOf } from "./durable_fs.ts";
import { IoError, ioError, LockedError } from "./errors.ts";
import { joinPath, LOCK_NAME } from "./format/names.ts";
import { isSame, Place, type Witnesses } from "./place.ts";

/** A directory whose lock is held. */
export interface HeldDirectory {
  /** The place, known by the lock file. */
  place: Place;
  /** Gives the lock back. */
  release(): Promise<void>;
}

/** How often a lock is taken anew whose file was removed in that moment. */
const ATTEMPTS = 3;

/** What can be known of a lock right after it was taken. */
type Standing = "same" | "removed" | "unsteady";

/**
 * The directories that this process holds, by identity. Under a name in the global object, because a hot reload loads
 * this module again while the manager of the former program still has its lock.
 */
const registry = globalThis as { [key: symbol]: Set<string> | undefined };
const heldHere = registry[Symbol.for("ministate.held")] ??= new Set<string>();

/**
 * Locks a directory: its lock file and, where the file system can, the directory itself. So a lock file that somebody
 * removes lets no second writer in.
 *
 * @throws {LockedError} when another writer has it
 * @throws {IoError} when it can't be locked
 */
export async function holdDirectory(fs: DurableFs, path: string): Promise<HeldDirectory> {
  const lockPath = joinPath(path, LOCK_NAME);
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const lock = await fs.lock(lockPath, path);
      if (lock === null) throw await lockedError(fs, path, lockPath);
      const standing = await standingOf(fs, lock, lockPath);
      if (standing !== "removed") return await hold(fs, path, lock, standing === "same");
      await lock.release();
    }
  } catch (error) {
    throw ioError("lock", lockPath, error);
  }
  throw new IoError(
    `Cannot lock "${lockPath}": the file is removed each time it is made: nothing was changed; find out what removes it`,
    { path: lockPath, operation: "lock" },
  );
}

/** Whether the path stands for the file that is locked. Gives the lock back when that can't be known. */
async function standingOf(fs: DurableFs, lock: DurableLock, lockPath: string): Promise<Standing> {
  try {
    const held = await lock.identity();
    if (held.links === 0) return "removed";
    if (isSame(held, await fs.identity(lockPath))) return "same";
    // One that was replaced has no name any more; otherwise nothing moved, and its number is not to be relied on.
    return (await lock.identity()).links === 0 ? "removed" : "unsteady";
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return "removed";
    await lock.release();
    throw error;
  }
}

async function hold(
  fs: DurableFs,
  path: string,
  lock: DurableLock,
  isSteady: boolean,
): Promise<HeldDirectory> {
  try {
    const directory = await fs.identity(path);
    const key = keyOf(directory);
    const witnesses: Witnesses = [
      { path, identity: directory },
      { path: joinPath(path, LOCK_NAME), identity: await lock.identity() },
    ];
    const isChecked = isSteady && isSame(directory, await fs.identity(path));
    const place = new Place(fs, path, witnesses, isChecked);
    heldHere.add(key);
    return {
      place,
      async release() {
        heldHere.delete(key);
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function keyOf({ device, inode }: FileIdentity): string {
  return `${device}:${inode}`;
}

async function lockedError(fs: DurableFs, path: string, lockPath: string): Promise<LockedError> {
  const isOurs = heldHere.has(keyOf(await fs.identity(path)));
  const holder = isOurs
    ? "is open for writing in this very process already (a hot reload must close the former manager): close it first, "
    : "is in use by another writer, in another process or in a worker of this one: close it first, ";
  const advice = isOurs
    ? "or open with readOnly"
    : `or open with readOnly ("fuser ${lockPath}" names the process)`;
  return new LockedError(`The state directory "${path}" ${holder}${advice}`, {
    path: lockPath,
    operation: "lock",
  });
}
