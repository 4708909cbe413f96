/**
 * Takes locks by calling `flock` of the C library, where a runtime can call it.
 *
 * @module
 */

import { nameOfErrno } from "./errno.ts";

/** LOCK_EX | LOCK_NB of flock(2). */
export const LOCK_EXCLUSIVE_NOW = 2 | 4;

/** The name of EWOULDBLOCK, which means that another holder has the lock. Anything else is a real failure. */
const TAKEN = "EAGAIN";

/** Every program of Bun and of Node on glibc has already loaded it under that name. */
export const LIBRARY = "libc.so.6";

/** What a runtime found in the C library. */
export interface Flock {
  /** flock(2). */
  flock(fd: number, operation: number): number;
  /** The value of `errno`. Another call could overwrite it, so it is asked for right after the failed one. */
  errno(): number;
}

/**
 * Whether the locks were free and are now held; `null` when the C library gives no reason for its refusal.
 *
 * @param descriptors a file, and perhaps its directory, which not every file system can lock
 */
export function lockByCall(library: Flock, descriptors: readonly number[]): boolean | null {
  const [file, directory] = descriptors as [number, number?];
  const outcome = lock(library, file);
  if (outcome === undefined) return null;
  if (outcome === TAKEN) return false;
  if (outcome !== "held") throw Object.assign(new Error(`${outcome}: flock`), { code: outcome });
  // NFS, for example, can't lock directories; only the file is locked there.
  return directory === undefined || lock(library, directory) !== TAKEN;
}

/** The result of one call: held, or the name of its failure; `undefined` for a failure without a name. */
function lock(library: Flock, fd: number): "held" | string | undefined {
  for (;;) {
    if (library.flock(fd, LOCK_EXCLUSIVE_NOW) === 0) return "held";
    const name = nameOfErrno(library.errno(), false);
    if (name !== "EINTR") return name;
  }
}
