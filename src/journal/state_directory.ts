/**
 * An open state directory: finds, creates, lists and closes it, and makes its name durable.
 *
 * @module
 */

import { CountingFs } from "../disk/counting_fs.ts";
import { type HeldDirectory, holdDirectory } from "../disk/directory_lock.ts";
import { type DurableFs, systemCodeOf } from "../durable_fs.ts";
import type { DirectoryGoneError } from "../errors.ts";
import { closedError, ioError } from "../failures.ts";
import { listState } from "../disk/list_state.ts";
import {
  checkDirectory,
  joinPath,
  LOCK_NAME,
  parentOf,
  QUARANTINE,
  type StateFiles,
  stemOf,
} from "../disk/names.ts";
import { JournalFiles } from "./journal_files.ts";
import { directoryGone, isSame, Place } from "../disk/place.ts";
import { PlacedFs } from "../disk/placed_fs.ts";
import { isStuck } from "../disk/refusals.ts";
import { holdsState, refuseWithoutState, stateVanished } from "../disk/state_presence.ts";
import type { WriteCounts } from "../format/write_totals.ts";

/** One state directory, open for writing (with the lock) or for reading (without). */
export class StateDirectory {
  /**
   * Every access to the directory goes through it. It refuses to act once the path leads somewhere else, and counts
   * what is written if the directory is open for writing.
   */
  readonly fs: DurableFs;
  /** The underlying file system, for writing elsewhere. */
  readonly fsBeneath: DurableFs;
  /** The files of its journal. */
  readonly files: JournalFiles;
  /** What was written here since the directory was opened. */
  readonly written: WriteCounts;
  /** Absolute, with links resolved when it was opened. */
  readonly path: string;
  readonly stem: string;
  /** The folder for everything set aside. Another one replaces it where only fsck can mend it. */
  quarantine: string;
  /** Why the lock file could not be opened, in which case only the directory is locked; `null` otherwise. */
  readonly lockFileDamage: string | null;
  readonly #place: Place;
  #held: HeldDirectory | null;
  #closed = false;

  private constructor(
    fs: DurableFs,
    path: string,
    stem: string,
    place: Place,
    held: HeldDirectory | null,
  ) {
    this.lockFileDamage = held?.lockFileDamage ?? null;
    const placed = new PlacedFs(fs, place);
    const counting = new CountingFs(placed);
    this.fs = held === null ? placed : counting;
    this.fsBeneath = fs;
    this.written = counting.written;
    this.path = path;
    this.stem = stem;
    this.quarantine = joinPath(path, QUARANTINE);
    this.files = new JournalFiles(
      this.fs,
      () => this.list(),
      (path, what, cause) => place.leave(directoryGone(path, what, cause)),
    );
    this.#place = place;
    this.#held = held;
  }

  /**
   * Creates the directory if missing (unless `make` is `false`), and takes the lock.
   *
   * @throws {LockedError} when another writer has it
   * @throws {IoError} when the path can't be one of our directories
   */
  static async openForWriting(
    fs: DurableFs,
    path: string,
    journalName: string,
    make = true,
  ): Promise<StateDirectory> {
    const stem = stemOf(journalName);
    const absolute = await resolvePath(fs, checkDirectory(path));
    if (make) await makeWithParents(fs, absolute);
    // Again, now that the directory exists: under Deno, a link above a missing directory may not be read.
    const resolved = await resolvePath(fs, absolute);
    const held = await holdDirectory(fs, resolved);
    return new StateDirectory(fs, resolved, stem, held.place, held);
  }

  /**
   * Opens for reading, or for writing with the lock.
   *
   * @throws {NoStateError} without `create`, when there is no state; nothing was created
   */
  static async open(
    fs: DurableFs,
    path: string,
    journalName: string,
    { readOnly, create }: { readOnly: boolean; create: boolean },
  ): Promise<StateDirectory> {
    const openAt = (at: string) =>
      readOnly
        ? StateDirectory.openForReading(fs, at, journalName)
        : StateDirectory.openForWriting(fs, at, journalName, create);
    if (create) return await openAt(path);
    const absolute = await resolvePath(fs, checkDirectory(path));
    await refuseWithoutState(fs, absolute, journalName);
    try {
      return await openAt(absolute);
    } catch (error) {
      // It may have disappeared since the first look; if so, report that.
      if (systemCodeOf(error) === "ENOENT") await refuseWithoutState(fs, absolute, journalName);
      throw error;
    }
  }

  /** Opens without the lock; nothing is created or changed. */
  static async openForReading(
    fs: DurableFs,
    path: string,
    journalName: string,
  ): Promise<StateDirectory> {
    const stem = stemOf(journalName);
    const resolved = await resolvePath(fs, checkDirectory(path));
    try {
      // No lock identifies it, so the directory itself must.
      const identity = await fs.identity(resolved);
      const isSteady = isSame(identity, await fs.identity(resolved));
      const place = new Place(fs, { path: resolved, identity }, null, isSteady);
      return new StateDirectory(fs, resolved, stem, place, null);
    } catch (error) {
      throw ioError("open", resolved, error);
    }
  }

  /** Whether the path is compared with the place that was opened. It is not where files change their inode numbers. */
  get placeChecked(): boolean {
    return this.#place.checked;
  }

  /** Why nothing more can be done here, or `null`. */
  get gone(): DirectoryGoneError | null {
    return this.#place.gone;
  }

  /** Resolves a path given by the caller, as it is now. */
  resolve(path: string): Promise<string> {
    return resolvePath(this.fsBeneath, checkDirectory(path));
  }

  /** Wraps `fs` so that it refuses to act by name once this directory's path leads somewhere else. */
  guard(fs: DurableFs): DurableFs {
    return new PlacedFs(fs, this.#place);
  }

  /** Lists the directory's current files. */
  list(): Promise<StateFiles> {
    return listState(this.fs, this.path, this.stem, this.files.id);
  }

  /**
   * Like `list`, when opening: without `create`, the files must still be there. They can have been unmounted or removed
   * since the first look, which came before the lock.
   *
   * @throws {NoStateError} when there are none; nothing was created except perhaps the lock file
   */
  async listOpened({ create }: { create: boolean }): Promise<StateFiles> {
    const files = await this.list();
    if (!create && !holdsState(files)) throw stateVanished(this.path);
    return files;
  }

  /** Removes unfinished files: nothing refers to them. */
  async removeTemporary(files: StateFiles): Promise<void> {
    for (const path of files.temporary) {
      try {
        await this.fs.remove(path);
      } catch (error) {
        // Only fsck can remove it, and it is not needed.
        if (isStuck(error)) continue;
        throw ioError("remove", path, error);
      }
    }
  }

  /** Makes every name in the directory durable, for example those that a killed process created but never synced. */
  async syncNames(): Promise<void> {
    try {
      await this.fs.syncDirectory(this.path);
    } catch (error) {
      throw ioError("sync", this.path, error);
    }
  }

  /**
   * Makes the directory's own name durable, and those of all directories above it: any of them may have just been
   * created. Stops at the first ancestor that we may not open (under Deno, usually the parent). That is safe on most
   * file systems: they commit the name of a new directory with the first sync inside it.
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

  /** Throws when the directory was closed: without the lock, another writer may own it. */
  refuseClosed(): void {
    if (!this.#closed) return;
    throw closedError(this.path);
  }

  /**
   * Refuses new work at once, and releases the lock once `underWay` is done. Nothing is done by name after that. One
   * call is enough.
   *
   * @throws {DirectoryGoneError} when what was acknowledged is no longer under the path; the lock is released
   */
  async close(underWay?: Promise<unknown>): Promise<void> {
    this.#closed = true;
    await underWay;
    const held = this.#held;
    this.#held = null;
    const left = held === null ? null : await this.#whyLeft();
    // Without the lock, whatever appears under the path belongs to someone else.
    this.#place.close(closedError(this.path));
    if (held === null) return;
    try {
      await held.release();
    } catch (error) {
      throw ioError("unlock", joinPath(this.path, LOCK_NAME), error);
    }
    if (left !== null) throw left;
  }

  async #whyLeft(): Promise<unknown> {
    try {
      await this.#place.check();
      return null;
    } catch (error) {
      return error;
    }
  }
}

async function resolvePath(fs: DurableFs, path: string): Promise<string> {
  try {
    return await fs.resolve(path);
  } catch (error) {
    throw ioError("open", path, error);
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
