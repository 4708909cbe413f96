/**
 * Decides, sync by sync, whether to answer at once or on a thread: at once costs no thread hop, but holds
 * the event loop for as long as the disk takes.
 *
 * @module
 */

/** A disk counts as fast while its syncs take less than this. */
const FAST_MS = 0.6;

/** How many fast syncs in a row, each seen on a thread, before the first one is made at once. */
const FAST_NEEDED = 8;

/** How long calls may be answered at once before the event loop gets a turn. */
const TURN_MS = 2;

/** Keeps the record of one disk's latest syncs. */
export class SyncPace {
  #fastInRow = 0;
  #lastTurn = 0;

  /** Whether the next call should be made at once. */
  inline(): boolean {
    // A loop of commits that never waits would starve timers and sockets, so every so often one waits.
    return this.#fastInRow >= FAST_NEEDED && performance.now() - this.#lastTurn < TURN_MS;
  }

  /** Makes a sync at once and notes how long it took. */
  syncInline(sync: () => void): void {
    const start = performance.now();
    sync();
    // One slow sync is enough: from here on the disk has to prove itself again.
    if (performance.now() - start > FAST_MS) this.#fastInRow = 0;
  }

  /** Makes a sync on a thread and notes how long it took. */
  async syncThreaded(sync: () => Promise<void>): Promise<void> {
    const start = performance.now();
    await sync();
    this.#lastTurn = performance.now();
    this.#fastInRow = this.#lastTurn - start > FAST_MS ? 0 : this.#fastInRow + 1;
  }
}
