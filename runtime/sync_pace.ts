/**
 * Decides, sync by sync, whether to answer at once or on a thread: at once costs no thread hop, but holds
 * the event loop for as long as the disk takes.
 *
 * @module
 */

/**
 * Its `setImmediate` is what it was when this was loaded: a test that puts a clock of its own in its place would stop
 * every commit. The property is taken and not the function, because Deno makes the function when it is first asked for,
 * which takes as long as loading this library: only a process that goes on committing asks.
 */
const loop: Pick<typeof globalThis, "setImmediate"> = Object.defineProperty(
  {} as typeof globalThis,
  "setImmediate",
  Object.getOwnPropertyDescriptor(globalThis, "setImmediate")!,
);

/** A disk counts as fast while its syncs take less than this. */
const FAST_MS = 0.6;

/** How long syncs may be made at once before the event loop gets a turn. */
const TURN_MS = 2;

/** A turn that took longer than this had something to do. */
const IDLE_TURN_MS = 0.08;

/** Keeps in mind how long one disk's latest sync took. */
export class SyncPace {
  /** Whether calls should be made at once: the latest sync was fast. The first one is seen on a thread. */
  inline = false;
  #turnEnd = 0;

  /** Makes a sync, in whichever of the two ways suits the disk. */
  sync(atOnce: () => void, threaded: () => Promise<void>): void | Promise<void> {
    const start = performance.now();
    if (!this.inline) return this.#syncThreaded(threaded, start);
    if (start >= this.#turnEnd) return this.#syncAfterTurn(atOnce, threaded);
    atOnce();
    this.#note(start);
  }

  /** A loop of commits that never waits would starve timers and sockets, so every so often one lets them pass. */
  async #syncAfterTurn(atOnce: () => void, threaded: () => Promise<void>): Promise<void> {
    const asked = performance.now();
    await new Promise((resolve) => loop.setImmediate(resolve));
    const start = performance.now();
    // Whoever had something to do there gets on by one step only; so they have the time of a whole sync as well.
    if (start - asked > IDLE_TURN_MS) await threaded();
    else atOnce();
    this.#note(start);
    this.#turnEnd = performance.now() + TURN_MS;
  }

  async #syncThreaded(sync: () => Promise<void>, start: number): Promise<void> {
    await sync();
    this.#note(start);
  }

  #note(start: number): void {
    this.inline = performance.now() - start <= FAST_MS;
  }
}
