/**
 * Calls `flock` of the C library, under Bun alone.
 *
 * @module
 */

const LOCK_EXCLUSIVE_NOW = 2 | 4; // LOCK_EX | LOCK_NB of flock(2)
const EWOULDBLOCK = 11;
const EINTR = 4;

/**
 * Whether the locks were free and are now held; `null` where the C library goes by another name.
 *
 * @param descriptors a file, and perhaps its directory, which not every file system can lock
 * @param library the name, under which every Bun program has loaded it already
 */
export async function lockByCall(
  descriptors: readonly number[],
  library = "libc.so.6",
): Promise<boolean | null> {
  // Asked for only now: a bundler moves a static import to the top of its one file, where Deno and Node refuse it.
  const { dlopen, read } = await import("bun:ffi");
  let call;
  try {
    const { symbols } = dlopen(library, {
      flock: { args: ["i32", "i32"], returns: "i32" },
      __errno_location: { args: [], returns: "ptr" },
    });
    call = (fd: number) => {
      for (;;) {
        if (symbols.flock(fd, LOCK_EXCLUSIVE_NOW) === 0) return 0;
        const errno = read.i32(symbols.__errno_location()!, 0);
        if (errno !== EINTR) return errno;
      }
    };
  } catch {
    // Another C library (musl, say): the program `flock` does the same.
    return null;
  }
  const [file, directory] = descriptors as [number, number?];
  const failure = call(file);
  if (failure === EWOULDBLOCK) return false;
  if (failure !== 0) throw Object.assign(new Error(`flock failed`), { errno: failure });
  // NFS, for one, has no lock for directories: the lock of the file stands alone there.
  return directory === undefined || call(directory) !== EWOULDBLOCK;
}
