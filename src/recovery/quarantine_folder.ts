/**
 * The folder for what was set aside: opened, its names given out once each, and files moved into it.
 *
 * @module
 */

import { ioError } from "../errors.ts";
import { joinPath, type NamedFile, QUARANTINE } from "../format/names.ts";
import type { StateDirectory } from "../state_directory.ts";

/** Makes the folder when it is missing, and returns its path. */
export async function openQuarantine(directory: StateDirectory): Promise<string> {
  try {
    await directory.fs.makeDirectory(directory.quarantine);
    await directory.fs.syncDirectory(directory.path);
    const entries = await directory.fs.list(directory.path);
    // A link planted under this name would carry damaged files out of the state directory.
    if (!entries.some(({ name, kind }) => name === QUARANTINE && kind === "directory")) {
      throw Object.assign(new Error("ELOOP: not a directory"), { code: "ELOOP" });
    }
  } catch (error) {
    throw ioError("make the directory", directory.quarantine, error);
  }
  return directory.quarantine;
}

/** The names in the quarantine: nothing kept is ever replaced. */
export class QuarantineNames {
  readonly folder: string;
  readonly #taken: Set<string>;
  /** The number that the next file of a name is tried with: the same name can come thousands of times. */
  readonly #next = new Map<string, number>();

  private constructor(folder: string, taken: string[]) {
    this.folder = folder;
    this.#taken = new Set(taken);
  }

  /** Opens the quarantine, and lists it once. */
  static async open(directory: StateDirectory): Promise<QuarantineNames> {
    const folder = await openQuarantine(directory);
    try {
      return new QuarantineNames(folder, (await directory.fs.list(folder)).map(({ name }) => name));
    } catch (error) {
      throw ioError("list", folder, error);
    }
  }

  /** A path for `name` that nothing has or had. */
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
  /** Where it is now. */
  path: string;
  error: unknown;
}

/** Moves files aside that nothing depends on; one that can't be moved stays where it is. */
export async function moveUnneeded(
  directory: StateDirectory,
  files: readonly NamedFile[],
): Promise<Moved[]> {
  if (files.length === 0) return [];
  const names = await QuarantineNames.open(directory);
  const moved: Moved[] = [];
  for (const file of files) {
    const target = names.free(file.name);
    try {
      await directory.fs.rename(file.path, target);
      moved.push({ path: target, error: null });
    } catch (error) {
      moved.push({ path: file.path, error: ioError("set aside", file.path, error) });
    }
  }
  await syncMoved(directory);
  return moved;
}

/** Moves files aside in their order. However many there are, the directories are synced once. */
export async function moveAside(
  directory: StateDirectory,
  names: QuarantineNames,
  files: readonly NamedFile[],
): Promise<string[]> {
  const targets: string[] = [];
  for (const file of files) {
    const target = names.free(file.name);
    try {
      await directory.fs.rename(file.path, target);
    } catch (error) {
      throw ioError("set aside", file.path, error);
    }
    targets.push(target);
  }
  if (files.length > 0) await syncMoved(directory);
  return targets;
}

/** Makes durable that files are in the quarantine, before it is that they are gone from where they were. */
export async function syncMoved(directory: StateDirectory): Promise<void> {
  try {
    await directory.fs.syncDirectory(directory.quarantine);
    await directory.fs.syncDirectory(directory.path);
  } catch (error) {
    throw ioError("sync", directory.quarantine, error);
  }
}
