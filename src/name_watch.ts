/**
 * Tells, by looking at its directory, that a file which was seen to have a name still has it.
 *
 * Looking at the file after every batch would tell it too, but costs more: since Linux 6.13, asking a file for its
 * times makes the next write change them, and the next sync writes them (commits were 1.4 times slower, ext4, kernel
 * 6.18). A directory is not written by commits, and every name made, renamed or removed in it changes its time.
 *
 * @module
 */

import type { MaybePromise } from "./durable_fs.ts";

/**
 * For how long a directory must have been unchanged before its time is relied on, in milliseconds: FAT counts in steps
 * of 2 seconds, ext4 with small inodes in seconds, so that a second change within one step leaves no trace.
 */
export const STEADY_MS = 3000;

/** What is known of one file's names. */
export class NameWatch {
  readonly #changed: () => MaybePromise<number | undefined>;
  readonly #now: () => number;
  #seen: number | undefined;
  #seenAt = 0;
  #isSteady = false;

  /**
   * @param changed when the file's directory last changed; `undefined` when that can't be told
   * @param now a clock that nobody sets, in milliseconds
   */
  constructor(
    changed: () => MaybePromise<number | undefined>,
    now: () => number = () => performance.now(),
  ) {
    this.#changed = changed;
    this.#now = now;
  }

  /** Whether no name can have changed since this last answered `false`, after which the file itself was looked at. */
  isUnchanged(): MaybePromise<boolean> {
    const changed = this.#changed();
    return changed instanceof Promise ? changed.then((at) => this.#note(at)) : this.#note(changed);
  }

  #note(changed: number | undefined): boolean {
    if (changed === undefined || changed !== this.#seen) {
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
}
