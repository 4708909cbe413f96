/**
 * Tells, by looking at its directory, that a file which was seen to have a name still has it.
 *
 * Looking at the file after every batch would tell it too, but costs more: since Linux 6.13, asking a file for its
 * times makes the next write change them, and the next sync writes them (commits were 1.4 times slower, ext4, kernel
 * 6.18). A directory is not written by commits, and every name made, renamed or removed in it changes its time.
 *
 * @module
 */

/**
 * For how long a directory must have been unchanged before its time is relied on, in milliseconds: FAT counts in steps
 * of 2 seconds, ext4 with small inodes in seconds, so that a second change within one step leaves no trace.
 */
export const STEADY_MS = 3000;

/** What is known of one file's names. */
export class NameWatch {
  readonly #changed: () => number;
  readonly #now: () => number;
  #seen: number | null = null;
  #seenAt = 0;
  #isSteady = false;

  /**
   * @param changed when the file's directory last changed
   * @param now a clock that nobody sets, in milliseconds
   */
  constructor(changed: () => number, now: () => number = () => performance.now()) {
    this.#changed = changed;
    this.#now = now;
  }

  /** Whether no name can have changed since this last answered `false`, after which the file itself was looked at. */
  isUnchanged(): boolean {
    const changed = this.#look();
    if (changed === null || changed !== this.#seen) {
      this.#seen = changed;
      this.#seenAt = this.#now();
      this.#isSteady = false;
      return false;
    }
    if (this.#isSteady) return true;
    // Still `false`: only a look at the file from now on falls after every change that this time can hide.
    this.#isSteady = this.#now() - this.#seenAt > STEADY_MS;
    return false;
  }

  #look(): number | null {
    try {
      return this.#changed();
    } catch {
      // What has become of the directory, the file itself has to tell.
      return null;
    }
  }
}
