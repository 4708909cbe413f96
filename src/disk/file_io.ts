/**
 * Reads and writes whole buffers, and makes sure that half a file is never taken for a whole one.
 *
 * @module
 */

import type { DurableFile, DurableFs, MaybePromise } from "../durable_fs.ts";
import { FILL_SIZE_MIN, LINE_FEED } from "../format/format.ts";
import { temporaryPath } from "./names.ts";
import { isStuck } from "./refusals.ts";

const lineFeeds = new Uint8Array(FILL_SIZE_MIN).fill(LINE_FEED);

/**
 * Writes all of `bytes`, however few each call takes: both runtimes return short counts without an error. Returns no
 * promise if the first call takes everything at once.
 *
 * @param progress receives the number of bytes taken, so that the caller can take them back
 */
export function writeFully(
  file: DurableFile,
  bytes: Uint8Array,
  offset: number,
  progress: { taken: number } = { taken: 0 },
): MaybePromise<void> {
  progress.taken = 0;
  if (bytes.length === 0) return;
  const count = file.write(bytes, offset);
  if (count === bytes.length) return;
  return writeRest(file, bytes, offset, count, progress);
}

async function writeRest(
  file: DurableFile,
  bytes: Uint8Array,
  offset: number,
  first: MaybePromise<number>,
  progress: { taken: number },
): Promise<void> {
  let count = await first;
  for (let done = 0;;) {
    // Otherwise a device that takes nothing and reports no error would be asked forever.
    if (count <= 0) {
      throw Object.assign(new Error("ENOSPC: no bytes were taken, write"), { code: "ENOSPC" });
    }
    done += count;
    progress.taken = done;
    if (done >= bytes.length) return;
    count = await file.write(bytes.subarray(done), offset + done);
  }
}

/**
 * Rewrites bytes that can be read but may not be on the disk. After a failed sync the kernel counts them as written,
 * and the next sync would report success without writing them.
 */
export async function writeAgain(file: DurableFile, from: number, to: number): Promise<void> {
  const bytes = new Uint8Array(to - from);
  const count = await readFully(file, bytes, from);
  await writeFully(file, bytes.subarray(0, count), from);
}

/** Fills `[from, to)` with line feeds. */
export async function fillWithLineFeeds(
  file: DurableFile,
  from: number,
  to: number,
): Promise<void> {
  for (let at = from; at < to; at += lineFeeds.length) {
    await writeFully(file, lineFeeds.subarray(0, Math.min(lineFeeds.length, to - at)), at);
  }
}

/** How many temporary names to try for one file. */
const TEMPORARY_NAMES_MAX = 4;

/**
 * Creates the temporary file that is to become `target`, replacing one that an interrupted attempt may have left. Uses
 * another name where only fsck can remove that one.
 */
export async function createTemporary(
  fs: DurableFs,
  target: string,
): Promise<{ file: DurableFile; path: string }> {
  let path = temporaryPath(target);
  let first: unknown;
  for (let count = 0; count < TEMPORARY_NAMES_MAX; count++, path = temporaryPath(path)) {
    try {
      return { file: await createAnew(fs, path), path };
    } catch (error) {
      first ??= error;
      if (!await isNameStuck(fs, path, error)) break;
    }
  }
  throw first;
}

async function createAnew(fs: DurableFs, path: string): Promise<DurableFile> {
  try {
    return await fs.open(path, "create");
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
    await fs.remove(path);
    return await fs.open(path, "create");
  }
}

/**
 * Whether `path` leads to a file that only fsck can rename or delete. After any other failure, however similar, the
 * same call can succeed.
 *
 * @param error why something could not be done with the name
 */
export async function isNameStuck(fs: DurableFs, path: string, error: unknown): Promise<boolean> {
  if (!isStuck(error)) return false;
  try {
    await fs.identity(path);
    return false;
  } catch (again) {
    return isStuck(again);
  }
}

/** Discards a half-written temporary file. If it can't be removed now, the next open removes it. */
export async function discard(
  fs: DurableFs,
  file: DurableFile | undefined,
  path: string,
): Promise<void> {
  try {
    await file?.close();
    await fs.remove(path);
  } catch (error) {
    // The failure that led here is the one to report.
    if (!(error instanceof Error)) throw error;
  }
}

/** Reads until the buffer is full or the file ends; returns how many bytes there were. */
export async function readFully(
  file: DurableFile,
  buffer: Uint8Array,
  offset: number,
): Promise<number> {
  let total = 0;
  while (total < buffer.length) {
    const count = await file.read(buffer.subarray(total), offset + total);
    if (count <= 0) break;
    total += count;
  }
  return total;
}
