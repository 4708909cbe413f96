/**
 * Syncs and measures files by name, opening them just for that.
 *
 * A rename creates a name. FAT stores a file's start and size beside its name, so the name leads to the file's bytes
 * only once the file is synced again after the rename. Until then, a power cut leaves the name on an empty file.
 *
 * @module
 */

import { closeAfterFailure } from "./close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";

/**
 * Makes a file durable under its current name. The name itself is durable once its directory is synced.
 *
 * @throws {IoError} when the file can't be opened or the sync fails
 */
export async function syncFile(fs: DurableFs, path: string): Promise<void> {
  let file: DurableFile | undefined;
  try {
    // Opened for writing, so that the sync is counted as wear.
    file = await fs.open(path, "write");
    await file.syncAll();
    await file.close();
  } catch (error) {
    await closeAfterFailure(file);
    throw ioError("sync", path, error);
  }
}

/**
 * Whether a file is empty. A finished file of ours never is: the power was cut between its rename and the sync after
 * that.
 *
 * @throws {IoError} when the operating system refuses to answer
 */
export async function isEmptyFile(fs: DurableFs, path: string): Promise<boolean> {
  return await sizeOf(fs, path) === 0;
}

/**
 * The size of a file in bytes.
 *
 * @throws {IoError} when the operating system refuses to answer
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
