/**
 * Who writes the state now, and whether files can be made and locked where it is.
 *
 * @module
 */

import { withoutOptions } from "../../advice.ts";
import { type DurableFs, type DurableLock, systemCodeOf } from "../../durable_fs.ts";
import { ioError } from "../../errors.ts";
import { discard } from "../../journal/write_bytes.ts";
import { type Fact, type Finding, fine, isUnknown, notKnown, shellText } from "./finding.ts";

/** What a try of a lock came to: `shared` when it excludes nobody. */
export type LockTrial = "works" | "shared" | Error;

/**
 * Whether somebody holds a `flock` on a file, from `/proc/locks` (proc_locks(5)). Who it is can't be told: on Node
 * the process that took the lock has ended since.
 *
 * @param device the numbers of its file system, such as "179:2"
 */
export function isLocked(locks: string, device: string, inode: number): boolean {
  const [major, minor] = device.split(":").map((part) =>
    Number(part).toString(16).padStart(2, "0")
  );
  const wanted = `${major}:${minor}:${inode}`;
  return locks.split("\n").some((line) => {
    const [, kind, , , , file] = line.trim().split(/\s+/);
    return kind === "FLOCK" && file === wanted;
  });
}

/**
 * Makes a file at `path`, locks it twice, and removes it.
 *
 * The state's own lock is left alone: a program that starts in that moment would be refused.
 */
export async function tryLock(fs: DurableFs, path: string): Promise<LockTrial> {
  const locks: (DurableLock | null)[] = [];
  try {
    for (let i = 0; i < 2; i++) locks.push(await fs.lock(path));
    await fs.remove(path);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    // A file can have been made although it can't be locked.
    await discard(fs, undefined, path);
    return error as Error;
  } finally {
    for (const lock of locks) await lock?.release();
  }
  return locks[1] === null ? "works" : "shared";
}

/** Says whether a program could keep a state there. */
export function trialFinding(trial: LockTrial, directory: string): Finding {
  const check = "locking";
  if (trial === "works") return fine(check, "files can be made and locked");
  if (trial === "shared") {
    return {
      check,
      mark: "problem",
      found: "flock lets two in at once",
      meaning: "Two programs could write the state at the same time, and damage it",
      advice: "Keep the state on a local file system, or see to it that only one program starts",
    };
  }
  return {
    check,
    mark: "problem",
    found: withoutOptions(ioError("make and lock a file in", directory, trial).message),
    meaning: "A program that runs like this one can't keep its state here",
    advice: "Put that right, or choose another directory",
  };
}

/** Says whether somebody writes. In a container, locks from outside are not to be seen. */
export function writerFinding(locked: Fact<boolean>, lockPath: string): Finding {
  const check = "writer";
  if (isUnknown(locked)) return notKnown(check, locked);
  if (!locked) return fine(check, "none to be seen");
  return fine(check, `a process has it open for writing ("fuser ${shellText(lockPath)}" names it)`);
}
