/**
 * Syncs and measures files by their names, opened for that alone.
 *
 * A rename makes a name; on FAT, where a file's start and size stand beside its name, the name leads to the file only
 * once the file is synced again after the rename. Until then a power cut leaves the name on an empty file.
 *
 * @module
 */

import { closeAfterFailure } from "./close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";

/**
 * Makes a file durable under the name it has; the name itself is durable once its directory is synced.
 *
 * @throws {IoError} when the file can't be opened or the sync fails
 */
export async function syncFile(fs: DurableFs, path: string): Promise<void> {
  let file: DurableFile | undefined;
  try {
    // For writing, so that the sync is counted among what the directory costs its card.
    file = await fs.open(path, "write");
    await file.syncAll();
    await file.close();
  } catch (error) {
    await closeAfterFailure(file);
    throw ioError("sync", path, error);
  }
}

/**
 * Whether a file is empty, which none of ours ever is once it is finished: the power went between its rename and the
 * sync after that.
 *
 * @throws {IoError} when the operating system refuses to say
 */
export async function isEmptyFile(fs: DurableFs, path: string): Promise<boolean> {
  return await sizeOf(fs, path) === 0;
}

/**
 * The size of a file in bytes.
 *
 * @throws {IoError} when the operating system refuses to say
 */
export async function sizeOf(fs: DurableFs, path: string): Promise<number> {
  let file: DurableFile | undefined;
  try {
    file = await fs.open(path, "read");
    return await file.size();
  } catch (error) {
    throw ioError("read", path, error);
  } finally {
    await closeAfterFailure(file);
  }
}
