/**
 * Takes an exclusive `flock` on open descriptors, for Node and Bun, which have no call for it.
 *
 * The kernel drops the lock when the process ends, however it ends: no stale lock, no process id to compare.
 * Deno takes the same kind of lock natively, so the three exclude each other.
 *
 * @module
 */

/**
 * Whether the locks were free and are now held, until the descriptors are closed or the process ends.
 *
 * @param descriptors a file, and perhaps its directory, which not every file system can lock: the file is enough there
 */
export async function lockDescriptors(descriptors: readonly number[]): Promise<boolean> {
  const locked = "Bun" in globalThis
    // Loaded there alone: no other runtime has what it calls.
    ? await (await import("./bun_flock.ts")).lockByCall(descriptors)
    : null;
  return locked ?? await lockByProgram(descriptors);
}

/** What the shell runs: 1 is the answer of `flock` to a lock that is taken; any other failure on the directory is none. */
const SCRIPT = "flock -n 3 || exit $?; [ $# -lt 1 ] || { flock -n 4; [ $? -ne 1 ]; }";

/**
 * Runs `flock -n` (util-linux or busybox) with our descriptors as its own, all from one shell: starting a program
 * takes Node some milliseconds. The locks belong to the open files, not to the process that asked for them, so they
 * stay with us when the programs have ended.
 */
export async function lockByProgram(descriptors: readonly number[]): Promise<boolean> {
  // Asked for only now: Bun, which has the call, starts sooner without it.
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", ...descriptors.slice(1).map(String)], {
      stdio: ["ignore", "ignore", "ignore", ...descriptors],
    });
    child.once("error", (cause) => reject(lockFailure("could not be run", cause)));
    child.once("exit", (code) => {
      if (code === 0 || code === 1) resolve(code === 0);
      else reject(lockFailure(code === 127 ? "is not there" : `ended with ${code}`, undefined));
    });
  });
}

function lockFailure(what: string, cause: unknown): Error {
  const message = `The lock needs the program "flock", which ${what}: ` +
    "install util-linux (Debian) or busybox (Alpine and others)";
  return Object.assign(new Error(message, { cause }), { code: "ENOLCK" });
}
