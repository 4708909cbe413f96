/**
 * Lists a state directory: which of its files count.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";
import { readHeaderOf } from "./header_file.ts";
import { newestEditions } from "./editions.ts";
import { type NamedFile, sortNames, type StateFiles } from "./names.ts";
import { isFilesOwn } from "./refusals.ts";
import { isEmptyFile } from "./sync_file.ts";

/** Lists a state directory. */
export async function listState(
  fs: DurableFs,
  directory: string,
  stem: string,
): Promise<StateFiles> {
  try {
    const sorted = sortNames(directory, stem, await fs.list(directory));
    const later = sorted.segments.filter(({ edition }) => edition > 1);
    const empty = new Set<NamedFile>();
    for (const file of later) if (await isKnownEmpty(fs, file)) empty.add(file);
    const copies = new Set<NamedFile>();
    for (const file of sorted.snapshots) {
      if (file.edition > 1 && await isCopy(fs, file)) copies.add(file);
    }
    return newestEditions(sorted, empty, copies);
  } catch (error) {
    throw ioError("list", directory, error);
  }
}

/** Whether a segment is empty; `false` when it can't be read, or is gone by now. */
async function isKnownEmpty(fs: DurableFs, { path }: NamedFile): Promise<boolean> {
  try {
    return await isEmptyFile(fs, path);
  } catch (error) {
    if (!isFilesOwn(error)) throw error;
    return false;
  }
}

/** Whether a snapshot is of another edition than its name says; `false` when it can't be read, or is gone by now. */
async function isCopy(fs: DurableFs, file: NamedFile): Promise<boolean> {
  try {
    const reading = await readHeaderOf(fs, file, "snapshot");
    return reading.kind === "sound" && reading.header.edition !== file.edition;
  } catch (error) {
    if (!isFilesOwn(error)) throw error;
    return false;
  }
}
