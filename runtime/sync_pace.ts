/**
 * Decides, sync by sync, whether to answer at once or on a thread: at once costs no thread hop, but holds
 * the event loop for as long as the disk takes.
 *
 * @module
 */

/** A disk counts as fast while its syncs take less than this. */
const FAST_MS = 0.6;

/** How many fast syncs in a row, each seen on a thread, before the first one is made at once. */
const FAST_NEEDED = 3;

/** How long syncs may be made at once before the event loop gets a turn. */
const TURN_MS = 2;

/** Keeps the record of one disk's latest syncs. */
export class SyncPace {
  #fastInRow = 0;
  #turnEnd = 0;

  /** Whether calls should be made at once. */
  get inline(): boolean {
    return this.#fastInRow >= FAST_NEEDED;
  }

  /** Makes a sync, in whichever of the two ways suits the disk. */
  sync(atOnce: () => void, threaded: () => Promise<void>): void | Promise<void> {
    if (!this.inline) return this.#syncThreaded(threaded);
    const start = performance.now();
    if (start >= this.#turnEnd) return this.#syncAfterTurn(atOnce);
    this.#syncInline(atOnce, start);
  }

  #syncInline(sync: () => void, start: number): void {
    sync();
    // One slow sync is enough: from here on the disk has to prove itself again.
    if (performance.now() - start > FAST_MS) this.#fastInRow = 0;
  }

  /** A loop of commits that never waits would starve timers and sockets, so every so often one lets them pass. */
  async #syncAfterTurn(sync: () => void): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const start = performance.now();
    this.#turnEnd = start + TURN_MS;
    this.#syncInline(sync, start);
  }

  async #syncThreaded(sync: () => Promise<void>): Promise<void> {
    const start = performance.now();
    await sync();
    this.#fastInRow = performance.now() - start > FAST_MS ? 0 : this.#fastInRow + 1;
  }
}
