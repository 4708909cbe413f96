/**
 * Chooses the edition of a snapshot: the next one where only fsck can move away what has its name.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { type Editions, inEdition } from "../disk/editions.ts";
import { isNameStuck } from "../disk/file_io.ts";
import { EDITION_MAX, type FileNaming, type NamedFile, snapshotFile } from "../disk/names.ts";

/** How many editions to try for one snapshot. More are only needed if several rotted since the directory was opened. */
const EDITIONS_TRIED = 4;

/**
 * Writes the snapshot of a sequence. A later edition's snapshot replaces that of its sequence by its name alone.
 *
 * @param write writes it under a name, with a header of that edition, and returns its size
 * @returns where it is, its size, and the edition that new files belong to from now on
 */
export async function besideStuck<T extends FileNaming & Editions>(
  fs: DurableFs,
  naming: T,
  sequence: number,
  write: (file: NamedFile, naming: T) => Promise<number>,
): Promise<{ path: string; size: number; naming: T }> {
  for (let tried = 1;; tried++) {
    const file = snapshotFile(naming, sequence);
    try {
      return { path: file.path, size: await write(file, naming), naming };
    } catch (error) {
      const isLast = tried === EDITIONS_TRIED || naming.edition === EDITION_MAX;
      if (isLast || !await isNameStuck(fs, file.path, error)) throw error;
      naming = inEdition(naming, naming.edition + 1);
    }
  }
}
