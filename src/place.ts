/**
 * The place of an open state directory: notices when its path comes to mean another one, before anything is done there.
 *
 * @module
 */

import {
  type DurableFs,
  type FileIdentity,
  type MaybePromise,
  systemCodeOf,
} from "./durable_fs.ts";
import { type ClosedError, DirectoryGoneError, ioError } from "./errors.ts";
import { finalPath } from "./format/names.ts";

/** What a path that means nothing, or nothing of ours, fails with, beside `ENOENT`. */
const OUT_OF_REACH: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOTDIR", "can't be reached any more: a file stands where its path needs a directory"],
  ["ELOOP", "can't be reached any more: symbolic links in its path lead in a circle"],
  ["ESTALE", "is gone from the server of this network file system"],
]);

/** A path, and which file or directory it must stand for. */
export interface Witness {
  path: string;
  identity: FileIdentity;
}

/** What happened to a witness, in words, and what to do about it. */
type Words = Record<"name" | "gone" | "other" | "advice", string>;

const DIRECTORY: Words = {
  name: "The state directory",
  gone: "is not there any more: it was moved or removed, or its file system was unmounted",
  other:
    "is not the one that was opened: something else took its place, or a file system was mounted over it",
  advice:
    "What was acknowledged is in the directory that was opened, unless it was removed: find it, " +
    "close, and open again",
};

const LOCK_FILE: Words = {
  name: "The lock file",
  gone: "was removed while it was locked",
  other: "was replaced while it was locked",
  advice:
    "The directory is still the one that was opened, and what was acknowledged is in it, but nothing tells any " +
    "more who may write there: find out what did it, see to it that no other program writes there, close, and open " +
    "again",
};

const REMOVED = "was removed while it was being written";
const REMOVED_ADVICE =
  "Its records go when it is closed: what no snapshot holds is in the memory of this program alone. " +
  "Save that elsewhere, close, and open again";

/**
 * One directory, known by itself and by the locked file in it. By both: a backup made of hard links has the same lock
 * file, and a directory whose lock file was removed may be another writer's, where directories can't be locked.
 */
export class Place {
  readonly #fs: DurableFs;
  readonly #directory: Witness;
  readonly #lockFile: Witness | null;
  /** Whether the check can be made: not on a file system whose files change their numbers. */
  readonly checked: boolean;
  /** When the directory that was opened last changed, whatever its path means now; missing where that can't be told. */
  readonly changed: (() => number) | undefined;
  #gone: DirectoryGoneError | null = null;
  #closed: ClosedError | null = null;

  /**
   * @param lockFile the lock file; `null` when none is locked
   * @param checked whether the file system gives the same file the same identity every time
   * @param changed when the directory last changed, where that can be told
   */
  constructor(
    fs: DurableFs,
    directory: Witness,
    lockFile: Witness | null,
    checked: boolean,
    changed?: () => number,
  ) {
    this.#fs = fs;
    this.#directory = directory;
    this.#lockFile = lockFile;
    this.checked = checked;
    this.changed = changed;
  }

  /**
   * Makes sure that the path still means this place. Right before anything is done by name, and again after a file was
   * created and before anything relies on it: between the check and the act the path can still change, since no
   * runtime has `openat`.
   *
   * @throws {DirectoryGoneError} when it doesn't, now or at any time before
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

  /** Where the file system answers at once, so does this. */
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
   * Makes sure that a file which was just synced still has a name: otherwise its bytes go when it is closed.
   *
   * @throws {DirectoryGoneError} when it was removed
   */
  checkNamed({ links }: FileIdentity, path: string): MaybePromise<void> {
    if (links === 0) return this.#tellRemoved(path);
  }

  async #tellRemoved(path: string): Promise<never> {
    try {
      // It usually went with the whole directory: when that is found out, it is what is told.
      if (this.checked) await this.#checkOne(this.#directory, DIRECTORY);
    } catch {
      // Where the directory can't be looked at, the file alone is known to be gone.
    }
    throw this.leave(goneError(path, `"${finalPath(path)}" ${REMOVED}`, REMOVED_ADVICE));
  }

  /** Why nothing is done here any more, or `null`. */
  get gone(): DirectoryGoneError | null {
    return this.#gone;
  }

  /** Nothing more may be done here. */
  close(error: ClosedError): void {
    this.#closed = error;
  }

  /** Leaves it for good; the first reason stays. */
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
    `${what}. Nothing was read, written or deleted there since. ${advice}`,
    { path, operation: "check the directory", cause },
  );
}

/** Whether two identities are of one file. */
export function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}
