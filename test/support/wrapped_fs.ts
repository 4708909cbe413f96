// Wraps a file system so that a test sees every operation, and can delay it or make it fail.

import type { DurableFile, DurableFs, OpenMode } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { steadyNow } from "../../src/durable_fs.ts";

/** What is about to be done. */
export interface FsCall {
  /** The method's name. */
  name: "open" | "read" | "write" | "syncData" | "syncAll" | "truncate" | "rename" | "remove";
  /** The file. */
  path: string;
  /** Where a read begins. */
  offset?: number;
}

/** Called before each operation; what it throws is what the operation fails with. */
export type Hook = (operation: FsCall) => void | Promise<void>;

/** The running runtime's own file system, with `hook` called before each operation. */
export async function wrapFs(hook: Hook): Promise<DurableFs> {
  return hooked(await detectFs(), hook);
}

/** A file system with `hook` called before each operation. */
export function hooked(fs: DurableFs, hook: Hook): DurableFs {
  return {
    async open(path: string, mode: OpenMode) {
      await hook({ name: "open", path });
      return wrapFile(await fs.open(path, mode), path, hook);
    },
    async rename(from, to) {
      await hook({ name: "rename", path: to });
      await fs.rename(from, to);
    },
    async remove(path) {
      await hook({ name: "remove", path });
      await fs.remove(path);
    },
    list: (path) => fs.list(path),
    makeDirectory: (path) => fs.makeDirectory(path),
    syncDirectory: (path) => fs.syncDirectory(path),
    lock: (path, directory) => fs.lock(path, directory),
    lockDirectory: (path) => fs.lockDirectory(path),
    identity: (path) => fs.identity(path),
    resolve: (path) => fs.resolve(path),
    crc32: (bytes, seed) => fs.crc32(bytes, seed),
    now: () => steadyNow(fs),
  };
}

/** A file system of a machine so slow that no state over 16 KiB is encoded while callers wait. */
export function slowed(fs: DurableFs): DurableFs {
  let seconds = 0;
  return { ...hooked(fs, () => {}), now: () => 1000 * ++seconds };
}

function wrapFile(file: DurableFile, path: string, hook: Hook): DurableFile {
  return {
    async read(buffer, offset) {
      await hook({ name: "read", path, offset });
      return await file.read(buffer, offset);
    },
    async write(buffer, offset) {
      await hook({ name: "write", path });
      return await file.write(buffer, offset);
    },
    async syncData() {
      await hook({ name: "syncData", path });
      await file.syncData();
    },
    async syncAll() {
      await hook({ name: "syncAll", path });
      await file.syncAll();
    },
    async truncate(size) {
      await hook({ name: "truncate", path });
      await file.truncate(size);
    },
    size: () => file.size(),
    identity: () => file.identity(),
    close: () => file.close(),
  };
}

/** An error as the operating system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: planted by a test`), { code });
}
