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
    const env = { ...(globalThis as unknown as Host).process.env, LC_ALL: "C" };
    const child = spawn("flock", ["-n", "3"], { env, stdio: ["ignore", "ignore", "pipe", fd] });
    let complaint = "";
    child.stderr!.on("data", (bytes) => complaint += String(bytes));
    child.once("error", (cause) => {
      const message = 'The lock needs the program "flock", which could not be run: ' +
        "install util-linux (Debian) or busybox (Alpine and others)";
      reject(Object.assign(new Error(message, { cause }), { code: "ENOLCK" }));
    });
    child.once("close", (code) => {
      // 1 without a word is its answer to a lock that is taken. Of a failure busybox makes a 1 as well, with words.
      if (code === 0 || (code === 1 && complaint === "")) resolve(code === 0);
      else reject(lockFailure(code, complaint.trim()));
    });
  });
}

/** What is used of a global that only some runtimes have. */
interface Host {
  process: { env: Record<string, string | undefined> };
}

/** What the C library says for the failures that flock(2) can have. */
const WORDS: [RegExp, string][] = [
  [/not supported/i, "ENOTSUP"],
  [/input\/output error/i, "EIO"],
  [/stale/i, "ESTALE"],
  [/bad file/i, "EBADF"],
];

function lockFailure(exitCode: number | null, complaint: string): Error {
  const code = WORDS.find(([words]) => words.test(complaint))?.[1] ?? "ENOLCK";
  const message = `${code}: the program "flock" ended with ${exitCode}: ${
    complaint || "no reason"
  }`;
  return Object.assign(new Error(message), { code });
}
