/**
 * Counts what a file system is asked for, so that a test can bound the work without a clock, and notes every path.
 *
 * @module
 */

import type { DurableFile, DurableFs, OpenMode } from "@ministate/ministate";
import { steadyNow } from "../src/durable_fs.ts";

/** What was asked for. */
export interface Meter {
  fs: DurableFs;
  calls: number;
  bytesRead: number;
  bytesWritten: number;
  /** The largest buffer that was to be filled: what a hostile size would blow up first. */
  bufferMax: number;
  paths: Set<string>;
}

/** Puts a meter before a file system. */
export function metered(inner: DurableFs): Meter {
  const count = <T>(paths: string[], result: T): T => {
    meter.calls++;
    for (const path of paths) meter.paths.add(path);
    return result;
  };
  const fs: DurableFs = {
    open: async (path: string, mode: OpenMode) =>
      count([path], meteredFile(await inner.open(path, mode), meter)),
    rename: (from, to) => count([from, to], inner.rename(from, to)),
    remove: (path) => count([path], inner.remove(path)),
    list: (path) => count([path], inner.list(path)),
    makeDirectory: (path) => count([path], inner.makeDirectory(path)),
    syncDirectory: (path) => count([path], inner.syncDirectory(path)),
    lock: (path, directory) => count([path], inner.lock(path, directory)),
    lockDirectory: (path) => count([path], inner.lockDirectory(path)),
    identity: (path) => inner.identity(path),
    resolve: (path) => inner.resolve(path),
    crc32: (bytes, seed) => inner.crc32(bytes, seed),
    now: () => steadyNow(inner),
  };
  const meter: Meter = {
    fs,
    calls: 0,
    bytesRead: 0,
    bytesWritten: 0,
    bufferMax: 0,
    paths: new Set(),
  };
  return meter;
}

function meteredFile(file: DurableFile, meter: Meter): DurableFile {
  const count = <T>(result: T): T => {
    meter.calls++;
    return result;
  };
  return {
    read: async (buffer, offset) => {
      meter.bufferMax = Math.max(meter.bufferMax, buffer.length);
      const size = await count(file.read(buffer, offset));
      meter.bytesRead += size;
      return size;
    },
    write: async (buffer, offset) => {
      const size = await count(file.write(buffer, offset));
      meter.bytesWritten += size;
      return size;
    },
    syncData: () => count(file.syncData()),
    syncAll: () => count(file.syncAll()),
    truncate: (size) => count(file.truncate(size)),
    size: () => count(file.size()),
    identity: () => file.identity(),
    close: () => count(file.close()),
  };
}
