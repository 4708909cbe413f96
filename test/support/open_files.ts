// Counts the files that are open and the reads that are made, and refuses to open more files than a limit.

import type { DurableFile, DurableFs } from "@ministate/ministate";
import { systemError } from "./wrapped_fs.ts";

/** What a file system has open now, and what was done through it. */
export interface OpenFiles {
  fs: DurableFs;
  open: number;
  /** The most that were open at a time. */
  peak: number;
  opens: number;
  reads: number;
  /** Opening fails with EMFILE beyond it. */
  openMax: number;
}

/** Counts what goes through a file system. */
export function countOpenFiles(inner: DurableFs): OpenFiles {
  const files: OpenFiles = {
    fs: {
      open: async (path, mode) => {
        if (files.open >= files.openMax) throw systemError("EMFILE");
        files.open++;
        files.peak = Math.max(files.peak, files.open);
        files.opens++;
        try {
          return countedFile(await inner.open(path, mode), files);
        } catch (error) {
          files.open--;
          throw error;
        }
      },
      rename: (from, to) => inner.rename(from, to),
      remove: (path) => inner.remove(path),
      list: (path) => inner.list(path),
      makeDirectory: (path) => inner.makeDirectory(path),
      syncDirectory: (path) => inner.syncDirectory(path),
      lock: (path, directory) => inner.lock(path, directory),
      lockDirectory: (path) => inner.lockDirectory(path),
      identity: (path) => inner.identity(path),
      resolve: (path) => inner.resolve(path),
      crc32: (bytes, seed) => inner.crc32(bytes, seed),
    },
    open: 0,
    peak: 0,
    opens: 0,
    reads: 0,
    openMax: Infinity,
  };
  return files;
}

function countedFile(file: DurableFile, files: OpenFiles): DurableFile {
  return {
    read: (buffer, offset) => {
      files.reads++;
      return file.read(buffer, offset);
    },
    write: (buffer, offset) => file.write(buffer, offset),
    syncData: () => file.syncData(),
    syncAll: () => file.syncAll(),
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    identity: () => file.identity(),
    close: () => {
      files.open--;
      return file.close();
    },
  };
}
