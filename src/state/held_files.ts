/**
 * Keeps the files of a state directory readable while a writer in another process deletes them.
 *
 * An open file outlives its name. All files are therefore opened at once, which takes a moment, and then read as slowly
 * as needed.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import type { DirectoryEntry, DurableFile, DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";
import { sortNames } from "../disk/names.ts";
import { isUnreadable } from "../disk/refusals.ts";

/** How many times to list and open the files until none was deleted in between. */
const ATTEMPTS = 100;

/** The most files to hold. The rest are the newest segments, which a compaction deletes last. */
const HELD_MAX = 256;

/** A state directory as it was at one moment. Its newest segment may still grow. */
export interface HeldFiles {
  /** Lists and reads the held files; everything else goes to the underlying file system. */
  fs: DurableFs;
  /** Closes the held files. */
  release(): Promise<void>;
}

/**
 * Opens the segments and snapshots of a state directory, as they are at one moment.
 *
 * @throws {IoError} when a file can't be opened, or when files come and go faster than they can be opened
 */
export async function holdFiles(
  fs: DurableFs,
  directory: string,
  stem: string,
): Promise<HeldFiles> {
  for (let attempt = 1;; attempt++) {
    const entries = await listEntries(fs, directory);
    const { snapshots, segments } = sortNames(directory, stem, entries);
    const held = new Map<string, DurableFile>();
    const release = async () => {
      for (const [path, file] of held) await closeFile(file, path);
    };
    try {
      for (const { path } of [...snapshots, ...segments].slice(0, HELD_MAX)) {
        const file = await openIfReadable(fs, path);
        if (file !== null) held.set(path, file);
      }
      return { fs: heldFs(fs, directory, entries, held), release };
    } catch (error) {
      await release();
      const isGone = (error as { systemCode?: string }).systemCode === "ENOENT";
      if (!isGone || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** Lists a directory. */
export async function listEntries(fs: DurableFs, directory: string): Promise<DirectoryEntry[]> {
  try {
    return await fs.list(directory);
  } catch (error) {
    throw ioError("list", directory, error);
  }
}

/** `null` for a file that the disk refuses to read. It is judged where it is needed, which may be nowhere. */
async function openIfReadable(fs: DurableFs, path: string): Promise<DurableFile | null> {
  try {
    return await fs.open(path, "read");
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw ioError("open", path, error);
  }
}

function heldFs(
  fs: DurableFs,
  directory: string,
  entries: DirectoryEntry[],
  held: Map<string, DurableFile>,
): DurableFs {
  // Unfinished files come and go, and are never read.
  const listed = entries.filter(({ name }) => !name.endsWith(".tmp"));
  return {
    open: async (path, mode) => {
      const file = mode === "read" ? held.get(path) : undefined;
      return file === undefined ? await fs.open(path, mode) : sharedFile(file);
    },
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    list: async (path) => path === directory ? listed : await fs.list(path),
    makeDirectory: (path) => fs.makeDirectory(path),
    syncDirectory: (path) => fs.syncDirectory(path),
    lock: (path, directory) => fs.lock(path, directory),
    lockDirectory: (path) => fs.lockDirectory(path),
    identity: (path) => fs.identity(path),
    resolve: (path) => fs.resolve(path),
    crc32: (bytes, seed) => fs.crc32(bytes, seed),
  };
}

/** The file is closed only when everything is released. */
function sharedFile(file: DurableFile): DurableFile {
  return {
    read: file.read.bind(file),
    write: file.write.bind(file),
    syncData: file.syncData.bind(file),
    syncAll: file.syncAll.bind(file),
    truncate: file.truncate.bind(file),
    size: file.size.bind(file),
    identity: file.identity.bind(file),
    close: () => {},
  };
}
