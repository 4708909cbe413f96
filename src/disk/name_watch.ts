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
 * How long a directory must have been unchanged before its time can be trusted, in milliseconds. FAT counts in steps of
 * 2 seconds and ext4 with small inodes in seconds, so a second change within one step leaves no trace.
 */
export const STEADY_MS = 3000;

/** Watches the names of one file. */
export class NameWatch {
  readonly #changed: () => number;
  readonly #now: () => number;
  #seen: number | null = null;
  #seenAt = 0;
  #isSteady = false;

  /**
   * @param changed when the file's directory last changed
   * @param now a monotonic clock, in milliseconds
   */
  constructor(changed: () => number, now: () => number = () => performance.now()) {
    this.#changed = changed;
    this.#now = now;
  }

  /** Whether no name can have changed since the last `false`, after which the caller looked at the file itself. */
  isUnchanged(): boolean {
    const changed = this.#look();
    if (changed === null || changed !== this.#seen) {
      this.#seen = changed;
      this.#seenAt = this.#now();
      this.#isSteady = false;
      return false;
    }
    if (this.#isSteady) return true;
    // Still `false`: a look at the file counts only if it comes after every change that this time can hide.
    this.#isSteady = this.#now() - this.#seenAt > STEADY_MS;
    return false;
  }

  #look(): number | null {
    try {
      return this.#changed();
    } catch {
      // The check of the file itself will find out what happened to the directory.
      return null;
    }
  }
}
