/**
 * Takes an exclusive `flock` on an open descriptor, for Node and Bun, which have no call for it.
 *
 * The kernel drops the lock when the process ends, however it ends: no stale lock, no process id to compare.
 * Deno takes the same kind of lock natively, so the three exclude each other.
 *
 * @module
 */

/** Whether the lock was free and is now held through `fd`, until `fd` is closed or the process ends. */
export async function lockDescriptor(fd: number): Promise<boolean> {
  const locked = "Bun" in globalThis
    // Loaded there alone: no other runtime has what it calls.
    ? await (await import("./bun_flock.ts")).lockByCall(fd)
    : null;
  return locked ?? await lockByProgram(fd);
}

/**
 * Runs `flock -n 3` (util-linux or busybox) with our descriptor as its third. The lock belongs to the open file,
 * not to the process that asked for it, so it stays with us when the program has ended.
 */
export async function lockByProgram(fd: number): Promise<boolean> {
  // Asked for only now: Bun, which has the call, starts sooner without it.
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const child = spawn("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", fd] });
    child.once("error", (cause) => reject(lockFailure("could not be run", cause)));
    child.once("exit", (code) => {
      // 1 is its answer to a lock that is taken; anything else is a failure of its own.
      if (code === 0 || code === 1) resolve(code === 0);
      else reject(lockFailure(`ended with ${code}`, undefined));
    });
  });
}

function lockFailure(what: string, cause: unknown): Error {
  const message = `The lock needs the program "flock", which ${what}: ` +
    "install util-linux (Debian) or busybox (Alpine and others)";
  return Object.assign(new Error(message, { cause }), { code: "ENOLCK" });
}
