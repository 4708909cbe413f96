/**
 * Makes files look as if a hole followed: zeros up to any size, which no test machine needs to store.
 *
 * @module
 */

import type { DurableFile, DurableFs } from "@ministate/ministate";

/** What follows a file's own bytes. */
export interface Hole {
  /** The size of the file with the hole and what follows it. */
  size: number;
  /** How much may be read before an error: a test must not wait for code that reads a hole to its end. */
  readMax: number;
  /** The bytes at the end of the file, after the hole. */
  end?: Uint8Array;
}

/** Puts holes after the files at some paths. A file that takes the place of one has none. */
export function sparse(inner: DurableFs, holes: Map<string, Hole>): DurableFs {
  const own: Pick<DurableFs, "open" | "rename"> = {
    async open(path, mode) {
      const file = await inner.open(path, mode);
      const hole = holes.get(path);
      return hole === undefined ? file : sparseFile(file, hole);
    },
    async rename(from, to) {
      await inner.rename(from, to);
      const hole = holes.get(from);
      holes.delete(to);
      if (hole !== undefined) holes.set(to, hole);
      holes.delete(from);
    },
  };
  return new Proxy(inner, {
    get(target, key) {
      if (key in own) return own[key as keyof typeof own];
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function sparseFile(
  file: DurableFile,
  { size, readMax, end = new Uint8Array() }: Hole,
): DurableFile {
  let total = 0;
  return {
    async read(buffer, offset) {
      const part = buffer.subarray(0, Math.max(0, Math.min(buffer.length, size - offset)));
      total += part.length;
      if (total > readMax) throw new Error("a file of holes is read without end");
      part.fill(0);
      await file.read(part, offset);
      const endsAt = size - end.length;
      if (offset + part.length > endsAt) {
        const from = Math.max(0, offset - endsAt);
        part.set(
          end.subarray(from, offset + part.length - endsAt),
          Math.max(0, endsAt - offset),
        );
      }
      return part.length;
    },
    write: (buffer, offset) => file.write(buffer, offset),
    syncData: () => file.syncData(),
    syncAll: () => file.syncAll(),
    truncate: (to) => file.truncate(to),
    size: () => size,
    identity: () => file.identity(),
    close: () => file.close(),
  };
}
