/**
 * Checks, by looking at the directory, that a file still has the name it was last seen with.
 *
 * Looking at the file after every batch would work too, but costs more. Since Linux 6.13, reading a file's times makes
 * the next write change them, and the next sync writes them (commits were 1.4 times slower on ext4, kernel 6.18).
 * Commits don't write the directory, and every name created, renamed or removed in it changes its time.
 *
 * @module
 */

/**
 * How long a directory must have been unchanged before its time can be trusted, in milliseconds. Deno reads it in whole
 * seconds, so a second change within one of them leaves no trace.
 */
export const STEADY_MS = 3000;

/** Watches the names of one file. */
export class NameWatch {
  readonly #changed: () => number | null;
  readonly #now: () => number;
  #lastChanged: number | null = null;
  #lastChangedAt = 0;
  #isSteady = false;

  /**
   * @param changed when the file's directory last changed, in milliseconds since 1970; `null` if that can't be trusted
   * @param now a monotonic clock, in milliseconds
   */
  constructor(changed: () => number | null, now: () => number = () => performance.now()) {
    this.#changed = changed;
    this.#now = now;
  }

  /** Whether no name in the directory can have changed since {@linkcode NameWatch.foundUnderItsName}. */
  isUnchanged(): boolean {
    const changed = this.#look();
    if (changed !== null && changed === this.#lastChanged) return this.#isSteady;
    this.#lastChanged = changed;
    this.#lastChangedAt = this.#now();
    this.#isSteady = false;
    return false;
  }

  /** Whether a file that is found under its own name from now on keeps it until the directory's time changes. */
  get isDue(): boolean {
    return this.#lastChanged !== null && this.#now() - this.#lastChangedAt > STEADY_MS;
  }

  /** The file was found under its own name, in the watched directory, while {@linkcode NameWatch.isDue} held. */
  foundUnderItsName(): void {
    this.#isSteady = true;
  }

  #look(): number | null {
    try {
      const changed = this.#changed();
      // A clock that was set back can show a time for the second time.
      return changed === null || Date.now() - changed < STEADY_MS ? null : changed;
    } catch {
      // The check of the file itself will find out what happened to the directory.
      return null;
    }
  }
}
