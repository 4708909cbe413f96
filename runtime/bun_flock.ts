/**
 * Calls `flock` of the C library, under Bun alone.
 *
 * @module
 */

import { dlopen } from "bun:ffi";

const LOCK_EXCLUSIVE_NOW = 2 | 4; // LOCK_EX | LOCK_NB of flock(2)

/**
 * Whether the lock was free and is now held through `fd`; `null` where the C library goes by another name.
 *
 * @param library the name, under which every Bun program has loaded it already
 */
export function lockByCall(fd: number, library = "libc.so.6"): boolean | null {
  try {
    const { symbols } = dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } });
    return symbols.flock(fd, LOCK_EXCLUSIVE_NOW) === 0;
  } catch {
    // Another C library (musl, say): the program `flock` does the same.
    return null;
  }
}
