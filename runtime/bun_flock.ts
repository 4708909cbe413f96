/**
 * Calls `flock` of the C library, under Bun alone.
 *
 * @module
 */

const LOCK_EXCLUSIVE_NOW = 2 | 4; // LOCK_EX | LOCK_NB of flock(2)

/**
 * Whether the lock was free and is now held through `fd`; `null` where the C library goes by another name.
 *
 * @param library the name, under which every Bun program has loaded it already
 */
export async function lockByCall(fd: number, library = "libc.so.6"): Promise<boolean | null> {
  // Asked for only now: a bundler moves a static import to the top of its one file, where Deno and Node refuse it.
  const { dlopen } = await import("bun:ffi");
  try {
    const { symbols } = dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } });
    return symbols.flock(fd, LOCK_EXCLUSIVE_NOW) === 0;
  } catch {
    // Another C library (musl, say): the program `flock` does the same.
    return null;
  }
}
