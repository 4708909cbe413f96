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

/**
 * What the shell runs. `flock` answers 1 without a word when the lock is taken; of a failure busybox makes a 1 as well,
 * with words. Any failure on the directory means that it can't be locked.
 */
const SCRIPT = "flock -n 3 || exit $?; [ $# -lt 1 ] || words=$(flock -n 4 2>&1) || " +
  '[ $? -ne 1 ] || [ -n "$words" ]';

/** The answer of a shell that finds no such program. */
const NO_PROGRAM = 127;

/**
 * Runs `flock -n` (util-linux or busybox) with our descriptors as its own, from one shell: starting a program takes
 * Node some milliseconds. The locks belong to the open files, not to the process that asked for them, so they stay with
 * us when the programs have ended.
 */
export async function lockByProgram(descriptors: readonly number[]): Promise<boolean> {
  // Asked for only now: Bun, which has the call, starts sooner without it.
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const env = { ...(globalThis as unknown as Host).process.env, LC_ALL: "C" };
    const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", ...descriptors.slice(1).map(String)], {
      env,
      stdio: ["ignore", "ignore", "pipe", ...descriptors],
    });
    let complaint = "";
    child.once("error", (cause) => reject(startFailure(cause)));
    // Without descriptors for pipes there are no streams, and only the error comes.
    child.stderr?.on("data", (bytes) => complaint += String(bytes));
    child.once("close", (code) => {
      if (code === 0 || (code === 1 && complaint === "")) resolve(code === 0);
      else reject(code === NO_PROGRAM ? missingProgram() : lockFailure(code, complaint.trim()));
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

function missingProgram(): Error {
  const message = 'The lock needs the program "flock", which could not be run: ' +
    "install util-linux (Debian) or busybox (Alpine and others)";
  return Object.assign(new Error(message), { code: "ENOLCK" });
}

/** No shell, or no descriptors or processes left. Its own code would be taken for one of the directory's. */
function startFailure(cause: Error): Error {
  const message =
    `The lock needs the program "flock", which could not be started: ${cause.message}`;
  return Object.assign(new Error(message, { cause }), { code: "ENOLCK" });
}
