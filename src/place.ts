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

/** What a path that means nothing, or nothing of ours, fails with. */
const GONE_CODES: ReadonlySet<string | undefined> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ELOOP",
  "ESTALE",
]);

/** A path, and which file or directory it must stand for. */
export interface Witness {
  path: string;
  identity: FileIdentity;
}

/**
 * One directory, known by itself and by the locked file in it. By both: a backup made of hard links has the same lock
 * file, and a directory whose lock file was removed is open to a second writer.
 */
export class Place {
  readonly #fs: DurableFs;
  readonly #directory: string;
  readonly #witnesses: readonly Witness[];
  /** Whether the check can be made: not on a file system whose files change their numbers. */
  readonly checked: boolean;
  #gone: DirectoryGoneError | null = null;
  #closed: ClosedError | null = null;

  /**
   * @param witnesses the paths that are compared
   * @param checked whether the file system gives the same file the same identity every time
   */
  constructor(
    fs: DurableFs,
    directory: string,
    witnesses: readonly Witness[],
    checked: boolean,
  ) {
    this.#fs = fs;
    this.#directory = directory;
    this.#witnesses = witnesses;
    this.checked = checked;
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
    return this.#checkFrom(0);
  }

  /** Checks the witnesses from one on. Where the file system answers at once, so does this. */
  #checkFrom(first: number): MaybePromise<void> {
    for (let i = first; i < this.#witnesses.length; i++) {
      const witness = this.#witnesses[i]!;
      let found;
      try {
        found = this.#fs.identity(witness.path);
      } catch (error) {
        return this.#unknown(witness, error);
      }
      if ("then" in found) {
        return found.then((identity) => {
          this.#compare(witness, identity);
          return this.#checkFrom(i + 1);
        }, (error) => this.#unknown(witness, error));
      }
      this.#compare(witness, found);
    }
  }

  #compare({ path, identity }: Witness, found: FileIdentity): void {
    if (isSame(found, identity)) return;
    throw this.leave(`"${path}" is another one than when it was opened`);
  }

  #unknown({ path }: Witness, error: unknown): never {
    if (!GONE_CODES.has(systemCodeOf(error))) throw ioError("look at", path, error);
    throw this.leave(`"${path}" is not there any more`, error);
  }

  /**
   * Makes sure that a file which was just synced still has a name: otherwise its bytes go when it is closed.
   *
   * @throws {DirectoryGoneError} when it was removed
   */
  checkNamed({ links }: FileIdentity, path: string): void {
    if (links === 0) throw this.leave(`"${path}" was removed while it was being written`);
  }

  /** Why nothing is done here any more, or `null`. */
  get gone(): DirectoryGoneError | null {
    return this.#gone;
  }

  /** Nothing more may be done here. */
  close(error: ClosedError): void {
    this.#closed = error;
  }

  /** Leaves it for good, for a reason that somebody else found. */
  leave(what: string, cause?: unknown): DirectoryGoneError {
    this.#gone ??= directoryGone(this.#directory, what, cause);
    return this.#gone;
  }
}

/** The error for a path that means another place. */
export function directoryGone(
  directory: string,
  what: string,
  cause?: unknown,
): DirectoryGoneError {
  return new DirectoryGoneError(
    `The state directory "${directory}" is not the one that was opened: ${what}. ` +
      "Nothing was read, written or deleted at that path since; what was acknowledged is in the directory that was " +
      "opened, if it was moved and not removed: find it, close, and open again",
    { path: directory, operation: "check the directory", cause },
  );
}

/** Whether two identities are of one file. */
export function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode;
}
