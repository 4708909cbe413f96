/**
 * Takes the lock of a state directory, and keeps track of the directories that this process has locked.
 *
 * @module
 */

import { BY_OPTION } from "../advice.ts";
import { closeAfterFailure } from "./close_file.ts";
import {
  type DurableFs,
  type DurableLock,
  type FileIdentity,
  systemCodeOf,
} from "../durable_fs.ts";
import { IoError, LockedError, type MinistateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import { joinPath, LOCK_NAME } from "./names.ts";
import { isSame, Place } from "./place.ts";
import { isUnreadable, readPatiently } from "./refusals.ts";

/** A directory whose lock is held. */
export interface HeldDirectory {
  /** The place, known by the directory and, where it could be locked, by the lock file. */
  place: Place;
  /** Why the lock file could not be opened, in which case only the directory is locked; `null` when both are. */
  lockFileDamage: string | null;
  /** Gives the lock back. */
  release(): Promise<void>;
}

/** How many times to take the lock again if its file is removed at that very moment. */
const ATTEMPTS = 3;

/** A lock and the path it was taken by. */
interface Taken {
  lock: DurableLock;
  /** The lock file, or the directory if only the directory is locked. */
  path: string;
  lockFileDamage: string | null;
}

/** What a check right after locking can find. */
type Standing = "same" | "removed" | "unsteady";

/**
 * The directories that this process holds, by identity. Kept in the global object, because a hot reload loads this
 * module again while the old program's manager still has its lock.
 */
const registry = globalThis as { [key: symbol]: Set<string> | undefined };
const heldHere = registry[Symbol.for("ministate.held")] ??= new Set<string>();

/**
 * Locks a directory: its lock file and, where the file system can, the directory itself. Removing the lock file
 * therefore lets no second writer in, and a lock file that can no longer be opened keeps no one out.
 *
 * @throws {LockedError} when another writer has it
 * @throws {IoError} when it can't be locked
 */
export async function holdDirectory(fs: DurableFs, path: string): Promise<HeldDirectory> {
  const lockPath = joinPath(path, LOCK_NAME);
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const taken = await takeLock(fs, path, lockPath);
      if (taken === null) throw await lockedError(fs, path, lockPath);
      const standing = await standingOf(fs, taken);
      if (standing !== "removed") return await hold(fs, path, taken, standing === "same");
      await taken.lock.release();
    }
  } catch (error) {
    throw ioError("lock", lockPath, error);
  }
  throw new IoError(
    `Cannot lock "${lockPath}": the file is removed each time it is created: nothing was changed; find out what removes it`,
    { path: lockPath, operation: "lock" },
  );
}

/** Locks the file and the directory. Locks only the directory if the file itself is damaged and can't be opened. */
async function takeLock(fs: DurableFs, path: string, lockPath: string): Promise<Taken | null> {
  try {
    const lock = await readPatiently(() => fs.lock(lockPath, path));
    return lock && { lock, path: lockPath, lockFileDamage: null };
  } catch (error) {
    const damage = await damageOf(fs, lockPath);
    if (damage === null) throw error;
    const lock = await lockAlone(fs, path, damage);
    return lock && { lock, path, lockFileDamage: damage.message };
  }
}

/**
 * Why a lock file can't be opened, if the file itself is at fault. A failure to lock it says nothing about the file.
 */
async function damageOf(fs: DurableFs, lockPath: string): Promise<MinistateError | null> {
  try {
    const file = await readPatiently(() => fs.open(lockPath, "write"));
    await closeAfterFailure(file);
    return null;
  } catch (error) {
    return isUnreadable(error) ? ioError("open", lockPath, error) : null;
  }
}

/** Locks only the directory. Every writer locks it, whether or not it can open the lock file. */
async function lockAlone(
  fs: DurableFs,
  path: string,
  damage: MinistateError,
): Promise<DurableLock | null> {
  try {
    return await fs.lockDirectory(path);
  } catch (error) {
    const { message } = ioError("lock", path, error);
    throw new IoError(
      `${damage.message}. The directory can't be locked instead: ${message}. Nothing was changed` +
        `${BY_OPTION.onlyReadOnly}. When fsck can't help, copy everything but the lock file into a new directory and open that`,
      { path: damage.path, operation: "lock", cause: damage.cause },
    );
  }
}

/** Whether the path still leads to what is locked. Releases the lock if that can't be determined. */
async function standingOf(fs: DurableFs, { lock, path }: Taken): Promise<Standing> {
  try {
    const held = await lock.identity();
    if (held.links === 0) return "removed";
    if (isSame(held, await fs.identity(path))) return "same";
    // A replaced file has no name left. Otherwise nothing moved, and the file system's inode numbers are not reliable.
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
  { lock, path: lockedPath, lockFileDamage }: Taken,
  isSteady: boolean,
): Promise<HeldDirectory> {
  try {
    const directory = await fs.identity(path);
    const key = keyOf(directory);
    const lockFile = lockFileDamage === null
      ? { path: lockedPath, identity: await lock.identity() }
      : null;
    const isChecked = isSteady && isSame(directory, await fs.identity(path));
    const changed = lock.changed?.bind(lock);
    const place = new Place(fs, { path, identity: directory }, lockFile, isChecked, changed);
    heldHere.add(key);
    return {
      place,
      lockFileDamage,
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
    ? "is already open for writing in this process (a hot reload must close the former manager): close it first"
    : "is in use by another writer, in another process or in a worker of this process: close it first";
  const who = isOurs ? "" : ` ("fuser ${lockPath}" names the process)`;
  return new LockedError(`The state directory "${path}" ${holder}${BY_OPTION.readOnly}${who}`, {
    path: lockPath,
    operation: "lock",
  });
}
