/**
 * Hands files that root creates in another user's directory over to its owner: a service could not read root's.
 *
 * For the command, which people run with `sudo` on a state that belongs to a service. It needs no further permission
 * under Deno, because it looks up no user and asks the system for nothing but the files themselves.
 *
 * @module
 */

import fs from "node:fs";
import { dirname } from "node:path";
import type { DurableFs } from "../../src/durable_fs.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

const ROOT = 0;

/** The parts of a file's or directory's status that matter here. */
type Status = Pick<fs.Stats, "uid" | "gid" | "nlink" | "size" | "isFile" | "isDirectory">;

/** The system calls that this needs; a test provides its own. */
export interface Ownership {
  /** Reads the status of a path, following a symbolic link. `null` when nothing is there, or it may not be read. */
  status(path: string): Promise<Status | null>;
  /** Opens a path without following a link. */
  open(path: string, flags: number): Promise<number>;
  /** Reads the status of an open file. */
  statusOf(descriptor: number): Promise<Status>;
  /** Changes the user and group of an open file. */
  give(descriptor: number, user: number, group: number): Promise<void>;
  close(descriptor: number): Promise<void>;
}

function promised<T>(call: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => error ? reject(error) : resolve(value));
  });
}

/** The running system. */
export const systemOwnership: Ownership = {
  async status(path) {
    try {
      return await fs.promises.stat(path);
    } catch (error) {
      // Deno may not access anything above the state directory, and refuses without a code.
      const { code, name } = error as { code?: string; name: string };
      if (code === "ENOENT" || name === "NotCapable") return null;
      throw error;
    }
  },
  open: (path, flags) => promised((done) => fs.open(path, flags, done)),
  statusOf: (descriptor) => promised((done) => fs.fstat(descriptor, done)),
  give: (descriptor, user, group) => promised((done) => fs.fchown(descriptor, user, group, done)),
  close: (descriptor) => promised((done) => fs.close(descriptor, done)),
};

/**
 * Wraps a file system so that files, directories and locks created by root belong to the owner of the directory they
 * are in. For everyone else, and in root's own directories, nothing changes.
 */
export function keepOwner(under: DurableFs, ownership: Ownership = systemOwnership): DurableFs {
  return {
    ...under,
    async open(path, mode) {
      const file = await under.open(path, mode);
      // Before the first byte, so that no crash leaves a complete file that belongs to root.
      if (mode === "create") {
        await orElse(() => handOver(ownership, path, isNewFile), () => file.close());
      }
      return file;
    },
    async makeDirectory(path) {
      const before = await ownership.status(path);
      await under.makeDirectory(path);
      if (before === null) await handOver(ownership, path, (status) => status.isDirectory());
    },
    async lock(path, directory) {
      const lock = await under.lock(path, directory);
      // Even an existing one: it has no bytes, and one owned by root would lock the service out for good.
      if (lock !== null) {
        await orElse(() => handOver(ownership, path, isNewFile), () => lock.release());
      }
      return lock;
    },
  };
}

/** Runs an action, and undoes the earlier step if it fails. */
async function orElse(action: () => Promise<void>, undo: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    await undo();
    throw error;
  }
}

/**
 * The owner of the directory can link any file to one of our names, so a file with bytes or another name is not ours.
 */
function isNewFile(status: Status): boolean {
  return status.isFile() && status.size === 0 && status.nlink === 1;
}

async function handOver(
  ownership: Ownership,
  path: string,
  isOurs: (status: Status) => boolean,
): Promise<void> {
  const directory = await ownership.status(dirname(path));
  if (directory === null || directory.uid === ROOT) return;
  const descriptor = await ownership.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const status = await ownership.statusOf(descriptor);
    // A file that belongs to root was created by root: no one else can have created it just now.
    if (status.uid !== ROOT || !isOurs(status)) return;
    await ownership.give(descriptor, directory.uid, directory.gid);
  } finally {
    await ownership.close(descriptor);
  }
}
