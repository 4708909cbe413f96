/**
 * Finds `flock` in the C library, only under Bun.
 *
 * @module
 */

import { type Flock, LIBRARY } from "./flock_call.ts";

/**
 * @param library the library's name
 * @returns `null` where it has another name (musl, for example)
 */
export async function findFlock(library: string = LIBRARY): Promise<Flock | null> {
  // Imported only now, by a name that no bundler sees: it would look for a module that only Bun has, or move the
  // import to the top of its one file, where Deno and Node refuse it.
  const { dlopen, read } = await import(["bun", "ffi"].join(":")) as typeof import("bun:ffi");
  let symbols;
  try {
    ({ symbols } = dlopen(library, {
      flock: { args: ["i32", "i32"], returns: "i32" },
      __errno_location: { args: [], returns: "ptr" },
    }));
  } catch {
    return null;
  }
  const place = symbols.__errno_location()!;
  return { flock: symbols.flock, errno: () => read.i32(place) };
}
