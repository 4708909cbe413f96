/**
 * Checks whether a process is writing the state, and whether files can be created and locked in its directory.
 *
 * @module
 */

import { withoutOptions } from "../../src/advice.ts";
import { type DurableFs, type DurableLock, systemCodeOf } from "../../src/durable_fs.ts";
import { ioError } from "../../src/failures.ts";
import { discard } from "../../src/disk/file_io.ts";
import {
  type DoctorFinding,
  type Fact,
  fine,
  isUnknown,
  shellText,
  unknownFinding,
} from "./finding.ts";

/** The result of trying a lock; `shared` when it excludes no one. */
export type LockTrial = "works" | "shared" | Error;

/**
 * Whether a process holds a `flock` on a file, from `/proc/locks` (proc_locks(5)). Which process can't be determined:
 * on Node, the process that took the lock has already ended.
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
 * Creates a file at `path`, locks it twice, and removes it.
 *
 * The state's own lock is left alone: a program starting at that moment would be refused.
 */
export async function tryLock(fs: DurableFs, path: string): Promise<LockTrial> {
  const locks: (DurableLock | null)[] = [];
  try {
    for (let i = 0; i < 2; i++) locks.push(await fs.lock(path));
    await fs.remove(path);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    // The file may have been created even though it can't be locked.
    await discard(fs, undefined, path);
    return error as Error;
  } finally {
    for (const lock of locks) await lock?.release();
  }
  return locks[1] === null ? "works" : "shared";
}

/** Reports whether a program could keep a state there. */
export function trialFinding(trial: LockTrial, directory: string): DoctorFinding {
  const check = "locking";
  if (trial === "works") return fine(check, "files can be made and locked");
  if (trial === "shared") {
    return {
      check,
      mark: "problem",
      found: "flock lets two holders in at once",
      meaning: "Two programs could write the state at the same time, and damage it",
      advice: "Keep the state on a local file system, or make sure that only one program starts",
    };
  }
  return {
    check,
    mark: "problem",
    found: withoutOptions(ioError("make and lock a file in", directory, trial).message),
    meaning: "A program that runs like this one can't keep its state here",
    advice: "Fix that, or choose another directory",
  };
}

/** Reports whether a process is writing. Inside a container, locks from outside are not visible. */
export function writerFinding(locked: Fact<boolean>, lockPath: string): DoctorFinding {
  const check = "writer";
  if (isUnknown(locked)) return unknownFinding(check, locked);
  if (!locked) return fine(check, "none to be seen");
  return fine(check, `a process has it open for writing ("fuser ${shellText(lockPath)}" names it)`);
}
