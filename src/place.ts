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
import { DirectoryGoneError, ioError } from "./errors.ts";

/** What a path that means nothing, or nothing of ours, fails with. */
const GONE_CODES: ReadonlySet<string | undefined> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ELOOP",
  "ESTALE",
]);

/** One directory, known by a file in it (the locked one) or, without a lock, by itself. */
export class Place {
  readonly #fs: DurableFs;
  readonly #directory: string;
  /** The path whose identity is compared. */
  readonly #witness: string;
  readonly #identity: FileIdentity;
  /** Whether the check can be made: not on a file system whose files change their numbers. */
  readonly checked: boolean;
  #gone: DirectoryGoneError | null = null;

  /**
   * @param witness the path whose identity is compared
   * @param identity what that path must stand for
   * @param checked whether the file system gives the same file the same identity every time
   */
  constructor(
    fs: DurableFs,
    directory: string,
    witness: string,
    identity: FileIdentity,
    checked: boolean,
  ) {
    this.#fs = fs;
    this.#directory = directory;
    this.#witness = witness;
    this.#identity = identity;
    this.checked = checked;
  }

  /**
   * Makes sure that the path still means this place. Right before anything is done by name, and again after a file was
   * created and before anything relies on it: between the check and the act the path can still change, since no
   * runtime has `openat`.
   *
   * @throws {DirectoryGoneError} when it doesn't, now or at any time before
   */
  check(): MaybePromise<void> {
    if (this.#gone !== null) throw this.#gone;
    if (!this.checked) return;
    let found;
    try {
      found = this.#fs.identity(this.#witness);
    } catch (error) {
      return this.#unknown(error);
    }
    if (!("then" in found)) return this.#compare(found);
    return found.then((identity) => this.#compare(identity), (error) => this.#unknown(error));
  }

  #compare(found: FileIdentity): void {
    if (isSame(found, this.#identity)) return;
    throw this.#leave(`"${this.#witness}" is another file than when it was opened`);
  }

  #unknown(error: unknown): never {
    if (!GONE_CODES.has(systemCodeOf(error))) throw ioError("look at", this.#witness, error);
    throw this.#leave(`"${this.#witness}" is not there any more`, error);
  }

  /**
   * Makes sure that a file which was just synced still has a name: otherwise its bytes go when it is closed.
   *
   * @throws {DirectoryGoneError} when it was removed
   */
  checkNamed({ links }: FileIdentity, path: string): void {
    if (links === 0) throw this.#leave(`"${path}" was removed while it was being written`);
  }

  /** Why nothing is done here any more, or `null`. */
  get gone(): DirectoryGoneError | null {
    return this.#gone;
  }

  #leave(what: string, cause?: unknown): DirectoryGoneError {
    this.#gone ??= new DirectoryGoneError(
      `The state directory "${this.#directory}" is not the one that was opened: ${what}. ` +
        "Nothing was read, written or deleted at that path since; what was acknowledged is in the directory that was " +
        "opened, if it was moved and not removed: find it, close, and open again",
      { path: this.#directory, operation: "check the directory", cause },
    );
    return this.#gone;
  }
}

/** Whether two identities are of one file. */
export function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}
