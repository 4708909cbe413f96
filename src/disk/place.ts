/**
 * The place of an open state directory. Notices when its path leads somewhere else, before anything is done there.
 *
 * @module
 */

import {
  type DurableFs,
  type FileIdentity,
  type MaybePromise,
  systemCodeOf,
} from "../durable_fs.ts";
import { type ClosedError, DirectoryGoneError } from "../errors.ts";
import { ioError } from "../failures.ts";
import { finalPath } from "./names.ts";

/** The error codes, besides `ENOENT`, of a path that no longer leads to anything of ours. */
const OUT_OF_REACH: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOTDIR", "can no longer be reached: a file stands where its path needs a directory"],
  ["ELOOP", "can no longer be reached: symbolic links in its path lead in a circle"],
  ["ESTALE", "is gone from the server of this network file system"],
]);

/** A path and the file or directory that it must lead to. */
export interface Witness {
  path: string;
  identity: FileIdentity;
}

/** How to report what happened to a witness, and what to do about it. */
type Words = Record<"name" | "gone" | "other" | "advice", string>;

const DIRECTORY: Words = {
  name: "The state directory",
  gone: "is no longer there: it was moved or removed, or its file system was unmounted",
  other:
    "is not the one that was opened: something else took its place, or a file system was mounted over it",
  advice:
    "Mutations acknowledged after a move are in the moved directory: find it, unless it was removed, close, and open again",
};

const LOCK_FILE: Words = {
  name: "The lock file",
  gone: "was removed while it was locked",
  other: "was replaced while it was locked",
  advice:
    "The directory is still the one that was opened, and what was acknowledged is in it, but it is no longer known " +
    "who may write there: find out what did it, make sure that no other program writes there, close, and open " +
    "again",
};

const REMOVED = "was removed while it was being written";
const REMOVED_ADVICE =
  "Its records are lost when it is closed: what no snapshot holds is only in the memory of this program. " +
  "Save that elsewhere, close, and open again";

/**
 * One directory, identified by itself and by the locked file in it. Both are needed. A backup made of hard links has
 * the same lock file. Where directories can't be locked, a directory whose lock file was removed may be another
 * writer's.
 */
export class Place {
  readonly #fs: DurableFs;
  readonly #directory: Witness;
  readonly #lockFile: Witness | null;
  /** Whether the check is possible. It is not on a file system that changes its inode numbers. */
  readonly checked: boolean;
  /** When the opened directory last changed, wherever its path leads now; missing where that can't be determined. */
  readonly changed: (() => number | null) | undefined;
  #gone: DirectoryGoneError | null = null;
  #closed: ClosedError | null = null;

  /**
   * @param lockFile the lock file; `null` if none is locked
   * @param checked whether the file system always gives a file the same identity
   * @param changed when the directory last changed, where that can be determined
   */
  constructor(
    fs: DurableFs,
    directory: Witness,
    lockFile: Witness | null,
    checked: boolean,
    changed?: () => number | null,
  ) {
    this.#fs = fs;
    this.#directory = directory;
    this.#lockFile = lockFile;
    this.checked = checked;
    this.changed = changed;
  }

  /**
   * Makes sure that the path still leads to this place. Call it right before doing anything by name, and again after
   * creating a file and before relying on it. The path can still change between the check and the act, since no runtime
   * has `openat`.
   *
   * @throws {DirectoryGoneError} when it doesn't, or didn't at an earlier check
   * @throws {ClosedError} when it was closed
   */
  check(): MaybePromise<void> {
    if (this.#closed !== null) throw this.#closed;
    if (this.#gone !== null) throw this.#gone;
    if (!this.checked) return;
    const checking = this.#checkOne(this.#directory, DIRECTORY);
    return checking === undefined ? this.#checkLock() : checking.then(() => this.#checkLock());
  }

  #checkLock(): MaybePromise<void> {
    if (this.#lockFile !== null) return this.#checkOne(this.#lockFile, LOCK_FILE);
  }

  /** Answers synchronously where the file system does. */
  #checkOne({ path, identity }: Witness, words: Words): MaybePromise<void> {
    const compare = (now: FileIdentity) => {
      if (isSame(now, identity)) return;
      throw this.leave(goneError(path, `${words.name} "${path}" ${words.other}`, words.advice));
    };
    let found;
    try {
      found = this.#fs.identity(path);
    } catch (error) {
      return this.#unknown(path, words, error);
    }
    return "then" in found
      ? found.then(compare, (error) => this.#unknown(path, words, error))
      : compare(found);
  }

  #unknown(path: string, words: Words, error: unknown): never {
    const code = systemCodeOf(error);
    const how = code === "ENOENT" ? words.gone : OUT_OF_REACH.get(code);
    if (how === undefined) throw ioError("look at", path, error);
    throw this.leave(goneError(path, `${words.name} "${path}" ${how}`, words.advice, error));
  }

  /**
   * Makes sure that a file that was just synced still has a name. Otherwise its bytes are lost when it is closed.
   *
   * @throws {DirectoryGoneError} when it was removed
   */
  checkHasName({ links }: FileIdentity, path: string): MaybePromise<void> {
    if (links === 0) return this.#tellRemoved(path);
  }

  async #tellRemoved(path: string): Promise<never> {
    let cause: unknown;
    try {
      // It usually disappears with the whole directory. If so, that is recorded here, as the first reason.
      if (this.checked) await this.#checkOne(this.#directory, DIRECTORY);
    } catch (error) {
      cause = error;
    }
    throw this.leave(goneError(path, `"${finalPath(path)}" ${REMOVED}`, REMOVED_ADVICE, cause));
  }

  /** Whether the path leads to this place still, and the path of a file in it to the file with this identity. */
  holds(file: FileIdentity, path: string): boolean {
    try {
      return [this.#directory, { path, identity: file }].every((witness) => {
        const now = this.#fs.identity(witness.path);
        return !("then" in now) && isSame(now, witness.identity);
      });
    } catch {
      // Moved or removed, or it can't be looked at now.
      return false;
    }
  }

  /** Why nothing more can be done here, or `null`. */
  get gone(): DirectoryGoneError | null {
    return this.#gone;
  }

  /** Refuses everything from now on. */
  close(error: ClosedError): void {
    this.#closed = error;
  }

  /** Refuses everything for good. The first reason stays. */
  leave(error: DirectoryGoneError): DirectoryGoneError {
    this.#gone ??= error;
    return this.#gone;
  }
}

/** The error for a directory that is not the one that was opened. */
export function directoryGone(path: string, what: string, cause?: unknown): DirectoryGoneError {
  const { name, advice } = DIRECTORY;
  return goneError(
    path,
    `${name} "${path}" is not the one that was opened: ${what}`,
    advice,
    cause,
  );
}

function goneError(
  path: string,
  what: string,
  advice: string,
  cause?: unknown,
): DirectoryGoneError {
  return new DirectoryGoneError(
    `${what}. Nothing was done under that path since. ${advice}`,
    { path, operation: "check the directory", cause },
  );
}

/** Whether two identities belong to one file. */
export function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}
