/**
 * A state directory while it is open: found, made, listed, closed, and its own name made durable.
 *
 * @module
 */

import { CountingFs } from "../disk/counting_fs.ts";
import { type HeldDirectory, holdDirectory } from "../disk/directory_lock.ts";
import { type DurableFs, systemCodeOf } from "../durable_fs.ts";
import type { DirectoryGoneError } from "../errors.ts";
import { closedError, ioError } from "../failures.ts";
import {
  checkDirectory,
  joinPath,
  listState,
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
import type { Traffic } from "../format/traffic.ts";

/** One state directory, open for writing (with the lock) or for reading (without). */
export class StateDirectory {
  /**
   * Everything in the directory goes through it: it does nothing once the path means another place, and counts what is
   * written when the directory is open for writing.
   */
  readonly fs: DurableFs;
  /** The file system beneath, for what is written elsewhere. */
  readonly fsBeneath: DurableFs;
  /** The files of its journal. */
  readonly files: JournalFiles;
  /** What was written here since it was opened. */
  readonly traffic: Traffic;
  /** Absolute, with links resolved when it was opened. */
  readonly path: string;
  readonly stem: string;
  /** Why the lock file could not be opened, so that the directory alone is locked; `null` otherwise. */
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
    this.traffic = counting.traffic;
    this.path = path;
    this.stem = stem;
    this.files = new JournalFiles(
      this.fs,
      () => this.list(),
      (path, what, cause) => place.leave(directoryGone(path, what, cause)),
    );
    this.#place = place;
    this.#held = held;
  }

  /**
   * Makes the directory when it is missing (unless `make` is `false`), and takes the lock.
   *
   * @throws {LockedError} when another writer has it
   * @throws {IoError} when the path can't be a directory of ours
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
    // Again, now that it is there: under Deno, a link above a missing directory may not be looked at.
    const resolved = await resolvePath(fs, absolute);
    const held = await holdDirectory(fs, resolved);
    return new StateDirectory(fs, resolved, stem, held.place, held);
  }

  /**
   * Opens for reading or, with the lock, for writing.
   *
   * @throws {NoStateError} without `create`, when there is no state; nothing was made
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
      // It may be gone since: then that is what there is to say.
      if (systemCodeOf(error) === "ENOENT") await refuseWithoutState(fs, absolute, journalName);
      throw error;
    }
  }

  /** Opens without the lock; nothing is made or changed. */
  static async openForReading(
    fs: DurableFs,
    path: string,
    journalName: string,
  ): Promise<StateDirectory> {
    const stem = stemOf(journalName);
    const resolved = await resolvePath(fs, checkDirectory(path));
    try {
      // Nobody holds a lock for it, so the directory itself says which one it is.
      const identity = await fs.identity(resolved);
      const isSteady = isSame(identity, await fs.identity(resolved));
      const place = new Place(fs, { path: resolved, identity }, null, isSteady);
      return new StateDirectory(fs, resolved, stem, place, null);
    } catch (error) {
      throw ioError("open", resolved, error);
    }
  }

  /** Whether the path is compared with the place that was opened; not where files change their inode numbers. */
  get placeChecked(): boolean {
    return this.#place.checked;
  }

  /** Why nothing is done here any more, or `null`. */
  get gone(): DirectoryGoneError | null {
    return this.#place.gone;
  }

  /** What a path that a caller gives means now. */
  resolve(path: string): Promise<string> {
    return resolvePath(this.fsBeneath, checkDirectory(path));
  }

  /** `fs`, doing nothing by name once this directory's path means another place. */
  guard(fs: DurableFs): DurableFs {
    return new PlacedFs(fs, this.#place);
  }

  /** What is in the directory now. */
  list(): Promise<StateFiles> {
    return listState(this.fs, this.path, this.stem);
  }

  /**
   * As `list`, for what is opened: without `create`, the files must be there now, too. Since the first look, which came
   * before the lock, they can have been unmounted or removed.
   *
   * @throws {NoStateError} when none is there; nothing was made but perhaps the lock file
   */
  async listOpened({ create }: { create: boolean }): Promise<StateFiles> {
    const files = await this.list();
    if (!create && !holdsState(files)) throw stateVanished(this.path);
    return files;
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
        if (isStuck(error)) continue;
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

  /**
   * Refuses new work at once, and gives the lock back once what is `underWay` is over. Nothing is done by name after
   * that. Once is enough.
   *
   * @throws {DirectoryGoneError} when what was acknowledged is no longer under the path; the lock is given back
   */
  async close(underWay?: Promise<unknown>): Promise<void> {
    this.#closed = true;
    await underWay;
    const held = this.#held;
    this.#held = null;
    const left = held === null ? null : await this.#whyLeft();
    // Without the lock, whatever comes to be under the path is another's.
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
