/**
 * A state directory while it is open: made, locked, listed, and its own name made durable.
 *
 * @module
 */

import { CountingFs } from "./counting_fs.ts";
import { type DurableFs, type DurableLock, systemCodeOf } from "./durable_fs.ts";
import { closedError, ioError, LockedError } from "./errors.ts";
import {
  checkDirectory,
  joinPath,
  listState,
  LOCK_NAME,
  parentOf,
  QUARANTINE,
  type StateFiles,
  stemOf,
} from "./format/names.ts";
import { isMetadataDamaged } from "./refusals.ts";
import type { Traffic } from "./traffic.ts";

/** One state directory, open for writing (with the lock) or for reading (without). */
export class StateDirectory {
  /** Everything in the directory goes through it; counts what is written when the directory is open for writing. */
  readonly fs: DurableFs;
  /** The file system beneath, for what is written elsewhere. */
  readonly fsUncounted: DurableFs;
  /** What was written here since it was opened. */
  readonly traffic: Traffic;
  readonly path: string;
  readonly stem: string;
  #lock: DurableLock | null;
  #closed = false;

  private constructor(fs: DurableFs, path: string, stem: string, lock: DurableLock | null) {
    const counting = new CountingFs(fs);
    this.fs = lock === null ? fs : counting;
    this.fsUncounted = fs;
    this.traffic = counting.traffic;
    this.path = path;
    this.stem = stem;
    this.#lock = lock;
  }

  /**
   * Makes the directory when it is missing, and takes the lock.
   *
   * @throws {LockedError} when another writer has it
   * @throws {IoError} when the path can't be a directory of ours
   */
  static async openForWriting(
    fs: DurableFs,
    path: string,
    journalName: string,
  ): Promise<StateDirectory> {
    const stem = stemOf(journalName);
    await makeWithParents(fs, checkDirectory(path));
    const lockPath = joinPath(path, LOCK_NAME);
    let lock: DurableLock | null;
    try {
      lock = await fs.lock(lockPath);
    } catch (error) {
      throw ioError("lock", lockPath, error);
    }
    if (lock === null) {
      throw new LockedError(
        `The state directory "${path}" is in use by another writer, in this process or another: close it first, ` +
          `or open with readOnly ("fuser ${lockPath}" names the process)`,
        { path: lockPath, operation: "lock" },
      );
    }
    return new StateDirectory(fs, path, stem, lock);
  }

  /** Opens for reading or, with the lock, for writing. */
  static async open(
    fs: DurableFs,
    path: string,
    journalName: string,
    readOnly: boolean,
  ): Promise<StateDirectory> {
    return readOnly
      ? StateDirectory.openForReading(fs, path, journalName)
      : await StateDirectory.openForWriting(fs, path, journalName);
  }

  /** Opens without the lock; nothing is made or changed. */
  static openForReading(fs: DurableFs, path: string, journalName: string): StateDirectory {
    return new StateDirectory(fs, checkDirectory(path), stemOf(journalName), null);
  }

  /** What is in the directory now. */
  list(): Promise<StateFiles> {
    return listState(this.fs, this.path, this.stem);
  }

  /** Where whatever is set aside goes. */
  get quarantine(): string {
    return joinPath(this.path, QUARANTINE);
  }

  /** Removes files that were never finished: nothing refers to them. */
  async removeTemporary(files: StateFiles): Promise<void> {
    for (const path of files.temporary) {
      try {
        await this.fs.remove(path);
      } catch (error) {
        // Only fsck can remove it, and nobody needs it.
        if (isMetadataDamaged(error)) continue;
        throw ioError("remove", path, error);
      }
    }
  }

  /** Makes durable every name in the directory, such as those a killed process made and never synced. */
  async syncNames(): Promise<void> {
    try {
      await this.fs.syncDirectory(this.path);
    } catch (error) {
      throw ioError("sync", this.path, error);
    }
  }

  /**
   * Makes the directory's own name durable, and those of all directories above it: any of them may have been made
   * a moment ago. One that we may not open ends it (under Deno, usually the first): most file systems commit the
   * name of a new directory with the first sync inside it.
   */
  async syncAncestors(): Promise<void> {
    for (let path = parentOf(this.path); path !== null; path = parentOf(path)) {
      try {
        await this.fs.syncDirectory(path);
      } catch (error) {
        const code = systemCodeOf(error);
        if (code === "EACCES" || code === "EPERM" || code === "EINVAL" || code === "ENOENT") return;
        throw ioError("sync", path, error);
      }
      if (path === "/" || path === ".") return;
    }
  }

  /** Throws when the directory was closed: without the lock, it is another's to write. */
  refuseClosed(): void {
    if (!this.#closed) return;
    throw closedError(this.path);
  }

  /** Refuses new work at once, and gives the lock back once what is `underWay` is over. Once is enough. */
  async close(underWay?: Promise<unknown>): Promise<void> {
    this.#closed = true;
    await underWay;
    const lock = this.#lock;
    this.#lock = null;
    try {
      await lock?.release();
    } catch (error) {
      throw ioError("unlock", joinPath(this.path, LOCK_NAME), error);
    }
  }
}

async function makeWithParents(fs: DurableFs, path: string): Promise<void> {
  try {
    await fs.makeDirectory(path);
  } catch (error) {
    const parent = parentOf(path);
    if (systemCodeOf(error) !== "ENOENT" || parent === null) {
      throw ioError("make the directory", path, error);
    }
    await makeWithParents(fs, parent);
    try {
      await fs.makeDirectory(path);
    } catch (again) {
      throw ioError("make the directory", path, again);
    }
  }
}
