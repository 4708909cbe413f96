/**
 * The file system of Node and Bun, over `node:fs`.
 *
 * @module
 */

import fs from "node:fs";
import process from "node:process";
import type {
  DirectoryEntry,
  DurableFile,
  DurableFs,
  DurableLock,
  FileIdentity,
  MaybePromise,
  OpenMode,
} from "../src/durable_fs.ts";
import { throwWithCode, withCode, withErrorCodes } from "./errno.ts";
import { lockDescriptors } from "./flock.ts";
import { uninterrupted, uninterruptedLater } from "./interrupted.ts";
import { absolutePath, realPath } from "./paths.ts";
import { SyncPace } from "./sync_pace.ts";
import { thisSystem } from "./system.ts";

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

// O_NOFOLLOW: a link planted in the directory must not lead elsewhere. O_NONBLOCK: opening a pipe must not hang.
const OPEN_FLAGS: Record<OpenMode, number> = {
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  write: O_RDWR | O_NOFOLLOW | O_NONBLOCK,
  create: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
};

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/** A call of `node:fs` as a promise. `promisify` does the same, but Bun would have to load `node:util` for it. */
function promised<T>(call: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error) reject(withCode(error));
      else resolve(value);
    });
  });
}

const open = (path: string, flags: number) =>
  promised<number>((done) => fs.open(path, flags, OWNER_ONLY_FILE, done));
const openAgain = (path: string, flags: number) => uninterruptedLater(() => open(path, flags));
const fstat = (fd: number) => promised<fs.Stats>((done) => fs.fstat(fd, done));
const fsync = (fd: number) =>
  uninterruptedLater(() => promised<void>((done) => fs.fsync(fd, done)));
const close = (fd: number) => promised<void>((done) => fs.close(fd, done));

/** A quick call that runs on a thread. It does not touch a file being written: see `src/disk/name_watch.ts`. */
const askSomething = () => promised<void>((done) => fs.access("/", done));

/** Bun has the checksum built in. `node:zlib`, which Node uses, would add much to Bun's start time. */
const { Bun } = globalThis as { Bun?: { hash: Pick<DurableFs, "crc32"> } };
const { crc32 } = Bun?.hash ?? await import("node:zlib");

class NodeFile implements DurableFile {
  readonly #fd: number;
  readonly #pace = new SyncPace(askSomething);

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(buffer: Uint8Array, offset: number): Promise<number> {
    return uninterruptedLater(() =>
      promised((done) => fs.read(this.#fd, buffer, 0, buffer.length, offset, done))
    );
  }

  write(buffer: Uint8Array, offset: number): MaybePromise<number> {
    if (this.#pace.inline) {
      return uninterrupted(() => fs.writeSync(this.#fd, buffer, 0, buffer.length, offset));
    }
    return uninterrupted(() =>
      promised((done) => fs.write(this.#fd, buffer, 0, buffer.length, offset, done))
    );
  }

  syncData(): MaybePromise<void> {
    return this.#pace.sync(
      () => void uninterrupted(() => fs.fdatasyncSync(this.#fd)),
      () => uninterruptedLater(() => promised((done) => fs.fdatasync(this.#fd, done))),
    );
  }

  syncAll(): Promise<void> {
    return fsync(this.#fd);
  }

  truncate(size: number): Promise<void> {
    return uninterruptedLater(() => promised((done) => fs.ftruncate(this.#fd, size, done)));
  }

  async size(): Promise<number> {
    return (await fstat(this.#fd)).size;
  }

  identity(): MaybePromise<FileIdentity> {
    return withErrorCodes(() => identityOf(fs.fstatSync(this.#fd)));
  }

  close(): Promise<void> {
    return close(this.#fd);
  }
}

function identityOf({ dev, ino, nlink }: fs.Stats): FileIdentity {
  return { device: dev, inode: ino, links: nlink };
}

/** When something last changed; `null` on a file system that counts in whole seconds, such as FAT. */
function changeOf({ ctimeMs, mtimeMs }: fs.Stats): number | null {
  return mtimeMs % 1000 === 0 ? null : ctimeMs;
}

/** Fails with a code when a descriptor is not that of a regular file. */
async function refuseIrregular(fd: number, path: string): Promise<void> {
  const info = await fstat(fd);
  if (info.isFile()) return;
  const code = info.isDirectory() ? "EISDIR" : "EINVAL";
  throw Object.assign(new Error(`${code}: not a regular file, open '${path}'`), { code });
}

function kindOf(entry: fs.Dirent): DirectoryEntry["kind"] {
  return entry.isFile() ? "file" : entry.isDirectory() ? "directory" : "other";
}

/** Locks the file and, where possible, the directory. */
async function lock(path: string, directory?: string): Promise<DurableLock | null> {
  const file = await openToLock(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK);
  return file === null ? null : await lockOpened(file, async (descriptors) => {
    await refuseIrregular(file, path);
    if (directory === undefined) return true;
    // NFS, for example, can't lock directories; only the file is locked there.
    const more = await openToLock(directory, O_RDONLY, true);
    if (more !== null) descriptors.push(more);
    return more !== null;
  });
}

/** Locks only the directory. */
async function lockDirectory(path: string): Promise<DurableLock | null> {
  const directory = await openToLock(path, O_RDONLY | O_DIRECTORY);
  return directory === null ? null : await lockOpened(directory);
}

/**
 * O_EXLOCK and O_NONBLOCK of open(2) on macOS, where Node and Bun find no `flock` to run or call; 0 elsewhere. The lock
 * is the same one, held until the descriptor is closed. This was never tried on a Mac.
 */
const LOCK_ON_OPEN = thisSystem().name === "darwin" ? 0x20 | 0x4 : 0;

/**
 * Opens what is to be locked, with the lock where that takes it; `null` when another holder has it.
 *
 * @param orUnlocked opens it without the lock where the file system can't lock it
 */
async function openToLock(path: string, flags: number, orUnlocked = false): Promise<number | null> {
  try {
    return await openAgain(path, flags | LOCK_ON_OPEN);
  } catch (error) {
    const { code } = error as { code?: string };
    if (LOCK_ON_OPEN !== 0 && code === "EAGAIN") return null;
    if (orUnlocked && code === "ENOTSUP") return await openAgain(path, flags);
    throw error;
  }
}

/**
 * Locks what is open, and what is opened with it. Closes all descriptors when a lock is taken.
 *
 * @param openMore opens more, and returns whether it is not locked by another holder
 */
async function lockOpened(
  fd: number,
  openMore?: (descriptors: number[]) => Promise<boolean>,
): Promise<DurableLock | null> {
  const descriptors = [fd];
  const release = async () => {
    for (const each of descriptors.splice(0)) await close(each);
  };
  try {
    const isFree = await openMore?.(descriptors) ?? true;
    if (isFree && (LOCK_ON_OPEN !== 0 || await lockDescriptors(descriptors))) {
      const identity = () => identityOf(fs.fstatSync(fd));
      return { identity, changed: () => changeOf(fs.fstatSync(descriptors.at(-1)!)), release };
    }
  } catch (error) {
    await release();
    throw error;
  }
  await release();
  return null;
}

/** The file system of Node and Bun. */
export const runtimeFs: DurableFs = {
  async open(path, mode) {
    // The second attempt to create a file would find the one of the first.
    const fd = await (mode === "create" ? open : openAgain)(path, OPEN_FLAGS[mode]);
    try {
      await refuseIrregular(fd, path);
    } catch (error) {
      await close(fd);
      throw error;
    }
    return new NodeFile(fd);
  },
  rename: (from, to) => fs.promises.rename(from, to).catch(throwWithCode),
  remove: (path) => fs.promises.unlink(path).catch(throwWithCode),
  async list(path) {
    const entries = await fs.promises.readdir(path, { withFileTypes: true }).catch(throwWithCode);
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  async makeDirectory(path) {
    try {
      await fs.promises.mkdir(path, OWNER_ONLY_DIRECTORY);
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST" || !fs.statSync(path).isDirectory()) {
        throw withCode(error);
      }
    }
  },
  async syncDirectory(path) {
    const fd = await openAgain(path, O_RDONLY);
    try {
      await fsync(fd);
    } finally {
      await close(fd);
    }
  },
  lock,
  lockDirectory,
  // The lock file is open and therefore in memory: a synchronous call costs less than a thread hop.
  identity: (path) => withErrorCodes(() => identityOf(fs.lstatSync(path))),
  resolve: (path) =>
    realPath(
      absolutePath(path, () => process.cwd()),
      (each) => fs.promises.realpath(each).catch(throwWithCode),
    ),
  // Of no bytes, the module of Node 20 to 24 gives 0, whatever the seed.
  crc32: (bytes, seed) => bytes.length === 0 ? seed : crc32(bytes, seed),
};
