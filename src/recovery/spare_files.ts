/**
 * Names and sizes of the files beside the journal: those set aside and those never finished.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { MinistateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import type { SpareFile } from "./inspection.ts";
import { joinPath, QUARANTINE } from "../disk/names.ts";
import { isUnreadable } from "../disk/refusals.ts";

/** The files that recovery has set aside; none when the folder doesn't exist. */
export async function listQuarantine(fs: DurableFs, directory: string): Promise<SpareFile[]> {
  const folder = joinPath(directory, QUARANTINE);
  try {
    const entries = await fs.list(folder);
    const names = entries.filter(({ kind }) => kind === "file").map(({ name }) => name).sort();
    return await sizesOf(fs, names.map((name) => joinPath(folder, name)));
  } catch (error) {
    const known = ioError("list", folder, error);
    if (known.systemCode === "ENOENT") return [];
    throw known;
  }
}

/** Names and sizes of files that others may rename or delete at any time. */
export async function sizesOf(fs: DurableFs, paths: string[]): Promise<SpareFile[]> {
  const found: SpareFile[] = [];
  for (const path of paths) {
    try {
      found.push({
        name: path.slice(path.lastIndexOf("/") + 1),
        size: await sizeIfReadable(fs, path),
      });
    } catch (error) {
      // An unfinished file may get its name or disappear at any moment.
      if (!(error instanceof MinistateError) || error.systemCode !== "ENOENT") throw error;
    }
  }
  return found;
}

/** Like `sizeOf`; 0 when the disk refuses to read even the size. */
export async function sizeIfReadable(fs: DurableFs, path: string): Promise<number> {
  try {
    return await sizeOf(fs, path);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return 0;
  }
}

/** The size of one file in bytes. */
async function sizeOf(fs: DurableFs, path: string): Promise<number> {
  try {
    const file = await fs.open(path, "read");
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
}
