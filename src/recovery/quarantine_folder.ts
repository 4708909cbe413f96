/**
 * The quarantine folder: opens it, gives out each name once, and moves files into it.
 *
 * @module
 */

import { copyRange } from "../disk/copy_range.ts";
import type { DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";
import { isNameStuck } from "../disk/file_io.ts";
import { joinPath, type NamedFile, QUARANTINES } from "../disk/names.ts";
import { isMetadataDamaged, isStuck } from "../disk/refusals.ts";
import { sizeOf, syncFile } from "../disk/sync_file.ts";
import type { StateDirectory } from "../journal/state_directory.ts";

/**
 * Creates the folder if missing; uses the next one where only fsck can mend it.
 *
 * @returns its path, and what is in it
 */
export async function openQuarantine(
  directory: StateDirectory,
): Promise<{ folder: string; taken: string[] }> {
  let first: unknown;
  for (const name of QUARANTINES) {
    const folder = joinPath(directory.path, name);
    try {
      const taken = await openFolder(directory, name, folder);
      directory.quarantine = folder;
      return { folder, taken };
    } catch (error) {
      first ??= error;
      if (!isMetadataDamaged(error) && !await isNameStuck(directory.fs, folder, error)) break;
    }
  }
  throw first;
}

async function openFolder(
  { fs, path }: StateDirectory,
  name: string,
  folder: string,
): Promise<string[]> {
  try {
    await fs.makeDirectory(folder);
    await fs.syncDirectory(path);
    const entries = await fs.list(path);
    // A link planted under this name would carry damaged files out of the state directory.
    if (!entries.some((entry) => entry.name === name && entry.kind === "directory")) {
      throw Object.assign(new Error("ELOOP: not a directory"), { code: "ELOOP" });
    }
  } catch (error) {
    throw ioError("make the directory", folder, error);
  }
  try {
    return (await fs.list(folder)).map(({ name }) => name);
  } catch (error) {
    throw ioError("list", folder, error);
  }
}

/** The names in the quarantine. Nothing kept there is ever replaced. */
export class QuarantineNames {
  readonly folder: string;
  readonly #taken: Set<string>;
  /** The next number to try for a name: the same name can come thousands of times. */
  readonly #next = new Map<string, number>();

  private constructor(folder: string, taken: string[]) {
    this.folder = folder;
    this.#taken = new Set(taken);
  }

  /** Opens the quarantine, and lists it once. */
  static async open(directory: StateDirectory): Promise<QuarantineNames> {
    const { folder, taken } = await openQuarantine(directory);
    return new QuarantineNames(folder, taken);
  }

  /** A path for `name` that was never used. */
  free(name: string): string {
    for (let n = this.#next.get(name) ?? 1;; n++) {
      const candidate = n === 1 ? name : `${name}.${n}`;
      if (this.#taken.has(candidate)) continue;
      this.#taken.add(candidate);
      this.#next.set(name, n + 1);
      return joinPath(this.folder, candidate);
    }
  }
}

/** A file that was moved into the quarantine, or why it could not be. */
export interface Moved {
  /** Where the file is now. */
  path: string;
  error: unknown;
}

/**
 * The most files that are copied before they are removed. A directory with more of them is full of strange files. Those
 * are renamed, because a copy and its sync take several milliseconds each on a card.
 */
const COPIED_MAX = 64;

/**
 * The largest file that is copied, in bytes, for the same reason: for example a snapshot that claims gigabytes of
 * holes.
 */
const COPIED_SIZE_MAX = 16 * 1024 * 1024;

/**
 * How many renamed files are synced at the same time. One after the other, 20,000 of them took most of a minute; a file
 * system that commits several syncs together needs a small part of that.
 */
const SYNCED_TOGETHER = 16;

/** Moves unneeded files aside. A file that can't be moved stays where it is. */
export async function moveUnneeded(
  directory: StateDirectory,
  files: readonly NamedFile[],
): Promise<Moved[]> {
  if (files.length === 0) return [];
  const names = await QuarantineNames.open(directory);
  const moved: Moved[] = [];
  await moveEach(directory, names, files, (each) => moved.push(each));
  return moved;
}

/**
 * Moves files aside in order. However many there are, the directories are synced once.
 *
 * @returns where they are, and why some could not be moved, if only fsck can move those
 */
export async function moveAside(
  directory: StateDirectory,
  names: QuarantineNames,
  files: readonly NamedFile[],
): Promise<{ targets: string[]; stuck: unknown }> {
  const targets: string[] = [];
  let stuck: unknown = null;
  await moveEach(directory, names, files, ({ path, error }) => {
    if (error === null) targets.push(path);
    else if (isStuck(error)) stuck = error;
    else throw error;
  });
  return { targets, stuck };
}

/**
 * Moves files in order; calls `note` for each. It stops if `note` throws.
 *
 * Files are copied, and the copies made durable, before the first original is removed: on FAT a power cut during a
 * rename from one directory to another can leave the file in neither. A renamed file is synced afterwards: otherwise a
 * power cut on FAT, even much later, can leave its new name on an empty file.
 */
async function moveEach(
  directory: StateDirectory,
  names: QuarantineNames,
  files: readonly NamedFile[],
  note: (moved: Moved) => void,
): Promise<void> {
  if (files.length === 0) return;
  const { fs } = directory;
  const targets = files.map(({ name }) => names.free(name));
  const copied: boolean[] = [];
  for (const [i, { path }] of files.entries()) {
    copied.push(files.length <= COPIED_MAX && await copyAside(fs, path, targets[i]!));
  }
  if (copied.includes(true)) await syncQuarantine(directory);
  const renamed: string[] = [];
  const syncRenamed = () => Promise.all(renamed.splice(0).map((path) => syncIfOpened(fs, path)));
  try {
    for (const [i, { path }] of files.entries()) {
      const target = targets[i]!;
      try {
        if (copied[i]) await fs.remove(path);
        else await fs.rename(path, target);
      } catch (error) {
        note({ path, error: ioError("set aside", path, error) });
        continue;
      }
      if (!copied[i]) renamed.push(target);
      if (renamed.length === SYNCED_TOGETHER) await syncRenamed();
      note({ path: target, error: null });
    }
  } finally {
    await syncRenamed();
  }
  await syncMoved(directory);
}

/** Makes a copy; `false` if that is impossible (no space, or unreadable): such a file can only be renamed. */
async function copyAside(fs: DurableFs, path: string, target: string): Promise<boolean> {
  try {
    if (await sizeOf(fs, path) > COPIED_SIZE_MAX) return false;
    await copyRange(fs, path, 0, Infinity, target);
    return true;
  } catch {
    return false;
  }
}

/** Syncs a file under its new name; returns whether that succeeded. A damaged or strange file may refuse it. */
async function syncIfOpened(fs: DurableFs, path: string): Promise<boolean> {
  try {
    await syncFile(fs, path);
    return true;
  } catch {
    return false;
  }
}

async function syncQuarantine({ fs, quarantine }: StateDirectory): Promise<void> {
  try {
    await fs.syncDirectory(quarantine);
  } catch (error) {
    throw ioError("sync", quarantine, error);
  }
}

/** Makes files durable in the quarantine first, and then their removal from where they were. */
export async function syncMoved(directory: StateDirectory): Promise<void> {
  await syncQuarantine(directory);
  await directory.syncNames();
}
