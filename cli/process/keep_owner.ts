/**
 * Gives what root makes in somebody else's directory to the owner of that directory: a service could not read it.
 *
 * For the command, which people run with `sudo` on a state that a service keeps. Nothing is looked up by number or
 * asked of the system beyond the files themselves, so it needs no further permission under Deno.
 *
 * @module
 */

import fs from "node:fs";
import { dirname } from "node:path";
import type { DurableFs } from "../../src/durable_fs.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

const ROOT = 0;

/** What is known of a file or directory, as far as it matters here. */
type Status = Pick<fs.Stats, "uid" | "gid" | "nlink" | "size" | "isFile" | "isDirectory">;

/** The calls of the system that this needs; a test gives its own. */
export interface Ownership {
  /** Looks at a path; a symbolic link is followed. `null` when nothing is there, or it may not be looked at. */
  status(path: string): Promise<Status | null>;
  /** Opens a path without following a link. */
  open(path: string, flags: number): Promise<number>;
  /** Looks at what is open. */
  statusOf(descriptor: number): Promise<Status>;
  /** Gives what is open to a user and a group. */
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
      // Deno may not look at what is above the state directory, and refuses that without a code.
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
 * Wraps a file system so that files, directories and locks that root makes belong to the owner of the directory they
 * are in. For everybody else, and in root's own directories, nothing changes.
 */
export function keepOwner(under: DurableFs, ownership: Ownership = systemOwnership): DurableFs {
  return {
    ...under,
    async open(path, mode) {
      const file = await under.open(path, mode);
      // Before the first byte, so that no crash leaves a whole file that is root's.
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
      // One that is there already, too: it has no bytes, and root's would shut the service out for good.
      if (lock !== null) {
        await orElse(() => handOver(ownership, path, isNewFile), () => lock.release());
      }
      return lock;
    },
  };
}

/** Undoes what was done when the rest fails. */
async function orElse(action: () => Promise<void>, undo: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    await undo();
    throw error;
  }
}

/** Whoever owns the directory can put a link to any file under our name: what has bytes or another name is not ours. */
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
    // What belongs to root was made by root: nobody else can have made it just now.
    if (status.uid !== ROOT || !isOurs(status)) return;
    await ownership.give(descriptor, directory.uid, directory.gid);
  } finally {
    await ownership.close(descriptor);
  }
}
