/**
 * Calls `flock` of the C library, under Bun alone.
 *
 * @module
 */

import { nameOfErrno } from "./errno.ts";

const LOCK_EXCLUSIVE_NOW = 2 | 4; // LOCK_EX | LOCK_NB of flock(2)

/** The name of EWOULDBLOCK, the answer for a lock that another has. Everything else is a failure of its own. */
const TAKEN = "EAGAIN";

/**
 * Whether the lock was free and is now held through `fd`; `null` where the C library goes by another name, or doesn't
 * say why it refused.
 *
 * @param library the name, under which every Bun program has loaded it already
 */
export async function lockByCall(fd: number, library = "libc.so.6"): Promise<boolean | null> {
  // Asked for only now: a bundler moves a static import to the top of its one file, where Deno and Node refuse it.
  const { dlopen, read } = await import("bun:ffi");
  let symbols;
  try {
    ({ symbols } = dlopen(library, {
      flock: { args: ["i32", "i32"], returns: "i32" },
      __errno_location: { args: [], returns: "ptr" },
    }));
  } catch {
    // Another C library (musl, say): the program `flock` does the same.
    return null;
  }
  const { flock, __errno_location: errnoPlace } = symbols;
  const place = errnoPlace()!;
  for (;;) {
    if (flock(fd, LOCK_EXCLUSIVE_NOW) === 0) return true;
    // Read from memory, right after the call: any other call could set it anew.
    const name = nameOfErrno(read.i32(place), false);
    if (name === "EINTR") continue;
    if (name === TAKEN) return false;
    if (name === undefined) return null;
    throw Object.assign(new Error(`${name}: flock`), { code: name });
  }
}
