// Counts what a file system is asked to write, by keeping every page that is dirty: an account to check others against.

import type { DurableFile, DurableFs, OpenMode } from "@ministate/ministate";

const PAGE_SIZE = 4096;

/** What went through. */
export interface Tap {
  fs: DurableFs;
  writes: number;
  bytes: number;
  cardBytes: number;
  syncs: number;
  /** Of those, how many were of directories. */
  directorySyncs: number;
}

/** The counts of a tap that the library reports too. */
export function countsOf({ writes, bytes, cardBytes, syncs }: Omit<Tap, "fs">) {
  return { writes, bytes, cardBytes, syncs };
}

/** Taps a file system. Paths that begin with `except` are not counted. */
export function tapped(inner: DurableFs, except = "\0"): Tap {
  const tap: Tap = {
    fs: {
      open: async (path: string, mode: OpenMode) => {
        const file = await inner.open(path, mode);
        return path.startsWith(except) ? file : tappedFile(file, tap);
      },
      rename: (from, to) => inner.rename(from, to),
      remove: (path) => inner.remove(path),
      list: (path) => inner.list(path),
      makeDirectory: (path) => inner.makeDirectory(path),
      syncDirectory: (path) => {
        if (!path.startsWith(except)) {
          tap.syncs++;
          tap.directorySyncs++;
        }
        return inner.syncDirectory(path);
      },
      lock: (path, directory) => inner.lock(path, directory),
      lockDirectory: (path) => inner.lockDirectory(path),
      identity: (path) => inner.identity(path),
      resolve: (path) => inner.resolve(path),
      crc32: (bytes, seed) => inner.crc32(bytes, seed),
    },
    writes: 0,
    bytes: 0,
    cardBytes: 0,
    syncs: 0,
    directorySyncs: 0,
  };
  return tap;
}

function tappedFile(file: DurableFile, tap: Tap): DurableFile {
  const dirty = new Set<number>();
  const synced = () => {
    dirty.clear();
    tap.syncs++;
  };
  return {
    read: (buffer, offset) => file.read(buffer, offset),
    write: async (buffer, offset) => {
      const size = await file.write(buffer, offset);
      tap.writes++;
      tap.bytes += size;
      for (let at = offset; at < offset + size; at++) {
        const page = Math.floor(at / PAGE_SIZE);
        if (!dirty.has(page)) tap.cardBytes += PAGE_SIZE;
        dirty.add(page);
        at = (page + 1) * PAGE_SIZE - 1;
      }
      return size;
    },
    syncData: () => {
      synced();
      return file.syncData();
    },
    syncAll: () => {
      synced();
      return file.syncAll();
    },
    truncate: async (size) => {
      await file.truncate(size);
      for (const page of [...dirty].filter((page) => page * PAGE_SIZE >= size)) {
        dirty.delete(page);
        tap.cardBytes -= PAGE_SIZE;
      }
    },
    size: () => file.size(),
    identity: () => file.identity(),
    close: () => file.close(),
  };
}
