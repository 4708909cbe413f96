/**
 * The interface to the file system: the few operations on files and directories that durability needs.
 *
 * `src/` sees only this file; `runtime/` implements it for Deno, for Node and Bun. Methods may answer
 * at once or with a promise, so that a fast disk need not pay for a thread hop; callers always `await`.
 * Every method fails with an `Error` whose `code` is the system's name of the failure (`ENOSPC`, `EIO` …).
 *
 * @module
 */

/** A value that may come synchronously or later; `await` takes both. */
export type MaybePromise<T> = T | Promise<T>;

/** The identity of a file, whatever its names: two open files or paths with the same device and inode are one file. */
export interface FileIdentity {
  /** The file system that the file is on. */
  device: number;
  /** The file's number on that file system. */
  inode: number;
  /** How many names the file has; 0 once it was removed. */
  links: number;
}

/** One open file, read and written at positions. All offsets and sizes are in bytes. */
export interface DurableFile {
  /**
   * Reads into `buffer` from `offset`; returns how many bytes were read, which may be fewer than asked. 0 means end of
   * file.
   */
  read(buffer: Uint8Array, offset: number): MaybePromise<number>;
  /** Hands bytes to the operating system; returns how many it took, which may be fewer. Not durable until a sync. */
  write(buffer: Uint8Array, offset: number): MaybePromise<number>;
  /** When it returns, the file's bytes, and its size if that changed, survive a power cut. */
  syncData(): MaybePromise<void>;
  /** Like `syncData`, with the rest of the file's metadata. The file's name needs `syncDirectory`. */
  syncAll(): MaybePromise<void>;
  /** Cuts the file to `size`. Not durable until a sync. */
  truncate(size: number): MaybePromise<void>;
  /** The file's current size. */
  size(): MaybePromise<number>;
  /** The file's current identity. Never waits for the disk. */
  identity(): MaybePromise<FileIdentity>;
  /** Gives the descriptor back. Syncs nothing. */
  close(): MaybePromise<void>;
}

/**
 * How a file is opened. `read`: an existing file, for reading. `write`: an existing file, for reading and writing.
 * `create`: a file that must not exist yet, for reading and writing, readable by its owner alone.
 */
export type OpenMode = "read" | "write" | "create";

/** One name in a directory. A symbolic link is `other`: it is never followed. */
export interface DirectoryEntry {
  /** The name, without the directory. */
  name: string;
  /** What the name stands for. */
  kind: "file" | "directory" | "other";
}

/** An exclusive lock that the operating system releases by itself when the process ends, however it ends. */
export interface DurableLock {
  /**
   * The identity of the locked file (or directory, when only that is locked), from the descriptor that holds the lock.
   */
  identity(): MaybePromise<FileIdentity>;
  /**
   * When the locked directory last changed, in milliseconds since 1970 and in steps of up to a second. Creating, renaming
   * or removing a name changes it, and programs can't set it. `null` where that isn't so: FAT counts in whole seconds,
   * lets programs set them, and knows no time before 1980. Without this method the same check takes more calls.
   */
  changed?(): number | null;
  /** Gives the lock back. */
  release(): MaybePromise<void>;
}

/** The directory operations, the lock, and the checksum that the runtime has natively. */
export interface DurableFs {
  /** Opens a regular file. A symbolic link, a directory or a device at `path` is an error (`ELOOP`, `EISDIR`, `EINVAL`). */
  open(path: string, mode: OpenMode): Promise<DurableFile>;
  /** Renames atomically, replacing `to`. Survives a power cut once the directories are synced. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Survives a power cut once the directory is synced. */
  remove(path: string): Promise<void>;
  /** Lists a directory, in no particular order. */
  list(path: string): Promise<DirectoryEntry[]>;
  /** Creates one directory for its owner alone. An existing directory is not an error. */
  makeDirectory(path: string): Promise<void>;
  /** When it returns, every name created, renamed or removed in the directory so far survives a power cut. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes an exclusive lock on a file, creating it if missing; `null` when another holder, in any process, has it.
   *
   * @param directory a directory to lock with it, where the file system can lock directories
   */
  lock(path: string, directory?: string): Promise<DurableLock | null>;
  /**
   * Takes an exclusive lock on a directory alone; `null` when another holder has it, with a file or without.
   * Fails where the file system can't lock directories.
   */
  lockDirectory(path: string): Promise<DurableLock | null>;
  /** The identity of the file or directory that a path leads to now. A link at its end is not followed. */
  identity(path: string): MaybePromise<FileIdentity>;
  /**
   * The absolute path that `path` leads to now, without any link in it. Parts that don't exist yet are kept as given.
   * The current directory is read before the first wait.
   */
  resolve(path: string): Promise<string>;
  /** CRC-32 (ISO 3309, as in zlib and PNG) of `bytes`, continued from `seed`, which is the result for no bytes. */
  crc32(bytes: Uint8Array, seed: number): number;
  /**
   * A clock that only goes forward, in milliseconds from any origin. It decides how much a compaction does at once. A
   * simulated disk has one, so that a run can be repeated; without this method it is `performance.now`.
   */
  now?(): number;
}

/** What the clock of a file system shows. */
export function steadyNow(fs: DurableFs): number {
  return fs.now === undefined ? performance.now() : fs.now();
}

/**
 * The system's name of a failure (`ENOENT`, `ENOSPC` …), when the error has one. One of our errors has it beside its
 * own code.
 */
export function systemCodeOf(error: unknown): string | undefined {
  try {
    const { code, systemCode } = (error ?? {}) as { code?: unknown; systemCode?: unknown };
    if (typeof systemCode === "string") return systemCode;
    return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
  } catch {
    // What a mutator throws may refuse to be looked into.
    return undefined;
  }
}
