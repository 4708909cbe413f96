// A file system whose disk refuses to read files, or parts of them.

import type { DurableFile, DurableFs } from "@ministate/ministate";
import { systemError } from "./wrapped_fs.ts";

/** What the disk refuses. */
export interface Bad {
  /** Files with this in their path, except unfinished ones; or all paths that match. */
  part: string | RegExp;
  /** What the system says; one with spaces is a message without a code. */
  code: string;
  /** Which bytes; without it, the file can't even be opened, looked at, renamed or removed. */
  range?: [from: number, to: number];
  /** How many calls are refused, after which the disk gives what it is asked for. @default Infinity */
  times?: number;
}

/** The file system on such a disk, and how often it refused. */
export function badDisk(
  inner: DurableFs,
  ...bads: Bad[]
): { fs: DurableFs; readonly refusals: number } {
  let refusals = 0;
  const refuse = (bad: Bad): never => {
    refusals++;
    bad.times = (bad.times ?? Infinity) - 1;
    throw bad.code.includes(" ") ? new Error(bad.code) : systemError(bad.code);
  };
  const of = (path: string) =>
    bads.filter(({ part, times = 1 }) =>
      times > 0 &&
      (part instanceof RegExp ? part.test(path) : path.includes(part) && !path.endsWith(".tmp"))
    );
  const whole = (...paths: string[]) => {
    const bad = paths.flatMap(of).find(({ range }) => range === undefined);
    if (bad !== undefined) refuse(bad);
  };
  const fs: DurableFs = {
    async open(path, mode) {
      whole(path);
      const find = (from: number, to: number) =>
        of(path).find(({ range }) => range && range[0] < to && range[1] > from);
      return badFile(await inner.open(path, mode), find, refuse);
    },
    async rename(from, to) {
      whole(from, to);
      await inner.rename(from, to);
    },
    async remove(path) {
      whole(path);
      await inner.remove(path);
    },
    async list(path) {
      whole(path);
      return await inner.list(path);
    },
    async makeDirectory(path) {
      whole(path);
      await inner.makeDirectory(path);
    },
    async syncDirectory(path) {
      whole(path);
      await inner.syncDirectory(path);
    },
    async lock(path, directory) {
      whole(path);
      return await inner.lock(path, directory);
    },
    lockDirectory: (path) => inner.lockDirectory(path),
    async identity(path) {
      whole(path);
      return await inner.identity(path);
    },
    resolve: (path) => inner.resolve(path),
    crc32: (bytes, seed) => inner.crc32(bytes, seed),
  };
  return {
    fs,
    get refusals() {
      return refusals;
    },
  };
}

function badFile(
  file: DurableFile,
  find: (from: number, to: number) => Bad | undefined,
  refuse: (bad: Bad) => never,
): DurableFile {
  return {
    read(buffer, offset) {
      const bad = find(offset, offset + buffer.length);
      if (bad === undefined) return file.read(buffer, offset);
      // As the kernel does: the bytes before the bad page are returned.
      const good = bad.range![0] - offset;
      return good > 0 ? file.read(buffer.subarray(0, good), offset) : refuse(bad);
    },
    write: (buffer, offset) => file.write(buffer, offset),
    syncData: () => file.syncData(),
    syncAll: () => file.syncAll(),
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    identity: () => file.identity(),
    close: () => file.close(),
  };
}
