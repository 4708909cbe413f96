/**
 * The file system of Deno, over `Deno.FsFile`. Needs only `--allow-read` and `--allow-write` for the directory.
 *
 * @module
 */

import { crc32 } from "./crc32.ts";
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
import { uninterrupted, uninterruptedLater } from "./interrupted.ts";
import { absolutePath, realPath } from "./paths.ts";
import { SyncPace } from "./sync_pace.ts";

const OPEN_OPTIONS: Record<OpenMode, Deno.OpenOptions> = {
  read: { read: true },
  write: { read: true, write: true },
  create: { read: true, write: true, createNew: true, mode: 0o600 },
};

const OWNER_ONLY_DIRECTORY = 0o700;

class DenoFile implements DurableFile {
  readonly #file: Deno.FsFile;
  // Don't ask for the file's times: that makes the next write more expensive, see `src/disk/name_watch.ts`.
  readonly #pace = new SyncPace(() => this.#file.seek(0, Deno.SeekMode.Current));

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  // Deno reads and writes at a cursor. Setting it never waits for the disk, and the callers of a DurableFile make one
  // call at a time, so nothing can move the cursor in between.
  async read(buffer: Uint8Array, offset: number): Promise<number> {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    return await uninterrupted(() => this.#file.read(buffer)) ?? 0;
  }

  write(buffer: Uint8Array, offset: number): MaybePromise<number> {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    return uninterrupted(() =>
      this.#pace.inline ? this.#file.writeSync(buffer) : this.#file.write(buffer)
    );
  }

  syncData(): MaybePromise<void> {
    return this.#pace.sync(
      () => void uninterrupted(() => this.#file.syncDataSync()),
      () => uninterruptedLater(() => this.#file.syncData()),
    );
  }

  syncAll(): Promise<void> {
    return uninterruptedLater(() => this.#file.sync());
  }

  truncate(size: number): Promise<void> {
    return uninterruptedLater(() => this.#file.truncate(size));
  }

  async size(): Promise<number> {
    return (await this.#file.stat().catch(throwWithCode)).size;
  }

  identity(): MaybePromise<FileIdentity> {
    return withErrorCodes(() => identityOf(this.#file.statSync()));
  }

  close(): void {
    this.#file.close();
  }
}

function identityOf({ dev, ino, nlink }: Deno.FileInfo): FileIdentity {
  // They are missing only on Windows, where no directory can be synced.
  return { device: dev, inode: ino!, links: nlink! };
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: not a regular file, open '${path}'`), { code });
}

function coded<T>(call: Promise<T>): Promise<T> {
  return call.catch(throwCoded);
}

/** Deno's refusal of a permission has no number either, so it gets the equivalent name. */
function throwCoded(error: unknown): never {
  if (error instanceof Deno.errors.NotCapable) throw Object.assign(error, { code: "EPERM" });
  throw withCode(error);
}

function openAgain(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile> {
  return uninterruptedLater(() => Deno.open(path, options));
}

/** Whether a lock that nobody else has was taken. */
function tryLock(file: Deno.FsFile): Promise<boolean> {
  return uninterruptedLater(() => file.tryLock(true));
}

/**
 * Opens a regular file without following a link. Deno has no flag for that, so compare what the name and the file refer
 * to.
 */
async function openRegular(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile> {
  if (options.createNew) return await Deno.open(path, options);
  const found = await Deno.lstat(path);
  if (found.isSymlink) throw failure("ELOOP", path);
  if (!found.isFile) throw failure(found.isDirectory ? "EISDIR" : "EINVAL", path);
  const file = await openAgain(path, options);
  const opened = await file.stat();
  if (opened.ino === found.ino && opened.dev === found.dev) return file;
  file.close();
  throw failure("ELOOP", path);
}

async function list(path: string): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const entry of Deno.readDir(path)) {
    const kind = entry.isSymlink
      ? "other"
      : entry.isFile
      ? "file"
      : entry.isDirectory
      ? "directory"
      : "other";
    entries.push({ name: entry.name, kind });
  }
  return entries;
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: OWNER_ONLY_DIRECTORY });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists) || !(await Deno.stat(path)).isDirectory) {
      throw error;
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  using directory = await openAgain(path, { read: true });
  await uninterrupted(() => directory.sync());
}

/** Opens the lock file, creating it if missing. One that someone else created in the meantime is just as good. */
async function openLockFile(path: string): Promise<Deno.FsFile> {
  try {
    return await openRegular(path, OPEN_OPTIONS.create);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return await openRegular(path, OPEN_OPTIONS.write);
  }
}

/** Locks the file and, where possible, the directory. Closes both when either lock is taken. */
async function lock(path: string, directory?: string): Promise<DurableLock | null> {
  const file = await openLockFile(path);
  const opened = [file];
  const release = () => opened.splice(0).forEach((each) => each.close());
  try {
    if (await tryLock(file)) {
      if (directory === undefined || await lockAsWell(directory, opened)) {
        return lockOn(opened, release);
      }
    }
  } catch (error) {
    release();
    throw error;
  }
  release();
  return null;
}

/** When something last changed; `null` on a file system that counts in whole seconds, such as FAT. */
function changeOf({ ctime, mtime }: Deno.FileInfo): number | null {
  return mtime!.getTime() % 1000 === 0 ? null : ctime!.getTime();
}

/** The lock held on the open files: a file, a directory, or a file and its directory. */
function lockOn(opened: Deno.FsFile[], release: () => void): DurableLock {
  return {
    identity: () => identityOf(opened[0]!.statSync()),
    changed: () => changeOf(opened.at(-1)!.statSync()),
    release,
  };
}

/** Locks only the directory. */
async function lockDirectory(path: string): Promise<DurableLock | null> {
  const directory = await openAgain(path, { read: true });
  const release = () => directory.close();
  try {
    if (await tryLock(directory)) {
      return lockOn([directory], release);
    }
  } catch (error) {
    release();
    throw error;
  }
  release();
  return null;
}

/** Whether the directory was free. A directory that its file system can't lock counts as free. */
async function lockAsWell(path: string, opened: Deno.FsFile[]): Promise<boolean> {
  const directory = await openAgain(path, { read: true });
  opened.push(directory);
  try {
    return await tryLock(directory);
  } catch {
    // NFS, for example, can't lock directories; only the file is locked there.
    return true;
  }
}

/** The file system of Deno. */
export const runtimeFs: DurableFs = {
  open: (path, mode) =>
    coded(openRegular(path, OPEN_OPTIONS[mode]).then((file) => new DenoFile(file))),
  rename: (from, to) => coded(Deno.rename(from, to)),
  remove: (path) => coded(Deno.remove(path)),
  list: (path) => coded(list(path)),
  makeDirectory: (path) => coded(makeDirectory(path)),
  syncDirectory: (path) => coded(syncDirectory(path)),
  lock: (path, directory) => coded(lock(path, directory)),
  lockDirectory: (path) => coded(lockDirectory(path)),
  // The lock file is open and therefore in memory: a synchronous call costs less than a thread hop.
  identity(path) {
    try {
      return identityOf(Deno.lstatSync(path));
    } catch (error) {
      return throwCoded(error);
    }
  },
  resolve: (path) => coded(realPath(absolutePath(path, Deno.cwd), Deno.realPath)),
  crc32,
};
