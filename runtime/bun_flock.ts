/**
 * Calls `flock` of the C library, only under Bun.
 *
 * @module
 */

import { nameOfErrno } from "./errno.ts";

const LOCK_EXCLUSIVE_NOW = 2 | 4; // LOCK_EX | LOCK_NB of flock(2)

/** The name of EWOULDBLOCK, which means that another holder has the lock. Anything else is a real failure. */
const TAKEN = "EAGAIN";

/** The result of one call: held, or the name of its failure; `undefined` for a failure without a name. */
type Outcome = "held" | string | undefined;

/**
 * Whether the locks were free and are now held; `null` where the C library has another name, or gives no reason for its
 * refusal.
 *
 * @param descriptors a file, and perhaps its directory, which not every file system can lock
 * @param library the library's name; every Bun program has already loaded it under that name
 */
export async function lockByCall(
  descriptors: readonly number[],
  library = "libc.so.6",
): Promise<boolean | null> {
  const lock = await loadLock(library);
  if (lock === null) return null;
  const [file, directory] = descriptors as [number, number?];
  const outcome = lock(file);
  if (outcome === undefined) return null;
  if (outcome === TAKEN) return false;
  if (outcome !== "held") throw Object.assign(new Error(`${outcome}: flock`), { code: outcome });
  // NFS, for example, can't lock directories; only the file is locked there.
  return directory === undefined || lock(directory) !== TAKEN;
}

async function loadLock(library: string): Promise<((fd: number) => Outcome) | null> {
  // Imported only now: a bundler moves a static import to the top of its one file, where Deno and Node refuse it.
  const { dlopen, read } = await import("bun:ffi");
  let symbols;
  try {
    ({ symbols } = dlopen(library, {
      flock: { args: ["i32", "i32"], returns: "i32" },
      __errno_location: { args: [], returns: "ptr" },
    }));
  } catch {
    // Another C library (musl, for example): the program `flock` does the same.
    return null;
  }
  const { flock, __errno_location: errnoPlace } = symbols;
  const place = errnoPlace()!;
  return (fd) => {
    for (;;) {
      if (flock(fd, LOCK_EXCLUSIVE_NOW) === 0) return "held";
      // Read from memory, right after the call: any other call could overwrite it.
      const name = nameOfErrno(read.i32(place), false);
      if (name !== "EINTR") return name;
    }
  };
}
