/**
 * Takes an exclusive `flock` on open descriptors, for Node and Bun, which have no function for it.
 *
 * The kernel drops the lock when the process ends, however it ends: no stale lock, no process ID to compare. Deno takes
 * the same kind of lock natively, so the three exclude each other.
 *
 * @module
 */

import { lockByCall } from "./flock_call.ts";
import type { NodeProcess } from "./node_flock.ts";

/**
 * Whether the locks were free and are now held, until the descriptors are closed or the process ends.
 *
 * @param descriptors a file, and perhaps its directory; where directories can't be locked, the file is enough
 */
export async function lockDescriptors(descriptors: readonly number[]): Promise<boolean> {
  const library = "Bun" in globalThis
    // Loaded only there: no other runtime has the functions they call.
    ? await (await import("./bun_flock.ts")).findFlock()
    : (await import("./node_flock.ts")).findFlock((globalThis as unknown as Host).process);
  const locked = library === null ? null : lockByCall(library, descriptors);
  return locked ?? await lockByProgram(descriptors);
}

/**
 * The shell script. `flock` exits with 1 and no output when the lock is taken. Busybox also exits with 1 on a failure,
 * but with a message. Any failure on the directory means that it can't be locked.
 */
const SCRIPT = "flock -n 3 || exit $?; [ $# -lt 1 ] || words=$(flock -n 4 2>&1) || " +
  '[ $? -ne 1 ] || [ -n "$words" ]';

/** The exit code of a shell that finds no such program. */
const NO_PROGRAM = 127;

/**
 * Runs `flock -n` (util-linux or busybox) with our descriptors, all from one shell: starting a program takes Node
 * several milliseconds. The locks belong to the open files, not to the process that took them, so we keep them after
 * the programs have ended.
 */
export async function lockByProgram(descriptors: readonly number[]): Promise<boolean> {
  // Imported only now: Bun, which has its own call, starts faster without it.
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const env = { ...(globalThis as unknown as Host).process.env, LC_ALL: "C" };
    const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", ...descriptors.slice(1).map(String)], {
      env,
      stdio: ["ignore", "ignore", "pipe", ...descriptors],
    });
    let complaint = "";
    child.once("error", (cause) => reject(startFailure(cause)));
    // Without descriptors for pipes there are no streams, and only the error event comes.
    child.stderr?.on("data", (bytes) => complaint += String(bytes));
    child.once("close", (code) => {
      if (code === 0 || (code === 1 && complaint === "")) resolve(code === 0);
      else reject(code === NO_PROGRAM ? missingProgram() : lockFailure(code, complaint.trim()));
    });
  });
}

/** The part used of a global that only some runtimes have. */
interface Host {
  process: NodeProcess;
}

/** The C library's messages for the failures of flock(2). */
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
  return Object.assign(new Error(message), { code: "ENOLCK", advice: message });
}

/**
 * No shell, or no descriptors or processes left. The original code would be mistaken for a failure of the directory.
 */
function startFailure(cause: Error): Error {
  const message =
    `The lock needs the program "flock", which could not be started: ${cause.message}`;
  return Object.assign(new Error(message, { cause }), { code: "ENOLCK", advice: message });
}
