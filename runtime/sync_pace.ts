/**
 * Decides for each sync whether to make it synchronously or on a thread. A synchronous sync costs no thread hop, but
 * blocks the event loop for as long as the disk takes.
 *
 * @module
 */

/**
 * Captured at load time, so that a test's fake timers can't stall commits. The property is captured and not the
 * function: Deno creates the function on first use, which takes as long as loading this library, and only a process
 * that keeps committing needs it.
 */
const loop: { setImmediate?(callback: () => void): unknown } = {};
const immediate = Object.getOwnPropertyDescriptor(globalThis, "setImmediate");
if (immediate !== undefined) Object.defineProperty(loop, "setImmediate", immediate);

/** A disk counts as fast while its syncs take less than this. */
const FAST_MS = 0.6;

/** How long to make syncs synchronously before the event loop gets a turn. */
const TURN_MS = 2;

/** A turn that took longer than this had work to do; an idle one takes 0.01 to 0.1 ms. */
const BUSY_TURN_MS = 0.12;

/** After this many spontaneous turns in a row, the process counts as one that also handles events. */
const OWN_TURNS_MAX = 3;

/** How many turns `setImmediate` must have delivered before it alone is relied on. */
const IMMEDIATES_MIN = 3;

/** How long such a process makes its syncs on a thread before the next try. */
const THREADED_MS = 250;

/** Tracks how long one disk's latest sync took, and whether its process does anything but commit. */
export class SyncPace {
  /** Whether the disk is fast, judged by its latest sync. The first sync is made on a thread. */
  inline = false;
  #turn: Promise<void> | null = null;
  #turnDue = 0;
  #ownTurns = 0;
  #threadedUntil = 0;
  #immediates = 0;
  readonly #lookAt: () => Promise<unknown>;

  /**
   * @param lookAt asks the system something small on a thread; its answer also comes with a turn of the event loop
   */
  constructor(lookAt: () => Promise<unknown>) {
    this.#lookAt = lookAt;
  }

  /** Makes a sync, in whichever of the two ways suits the disk and the process. */
  sync(atOnce: () => void, threaded: () => Promise<void>): void | Promise<void> {
    const start = performance.now();
    if (!this.inline || start < this.#threadedUntil) return this.#syncThreaded(threaded, start);
    if (this.#turn === null) this.#askForTurn(start);
    else if (start >= this.#turnDue) return this.#syncAfterTurn(this.#turn, atOnce, threaded);
    atOnce();
    this.#note(start);
  }

  /**
   * Asks for a turn of the event loop. A loop of commits that never waits for anything else starves timers and sockets,
   * so it must wait for this turn when it is due. If the event loop turns by itself before that, something else is
   * waiting.
   */
  #askForTurn(start: number): void {
    this.#turnDue = start + TURN_MS;
    this.#turn = this.#nextTurn().then(() => {
      this.#turn = null;
      this.#noteTurn(performance.now() < this.#turnDue);
    });
  }

  /**
   * The next turn of the loop. `setImmediate` delivers it for less than a thread. But a host may lack it, or a test may
   * have replaced it with fake timers before this was loaded, so it must first prove that it works.
   */
  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      loop.setImmediate?.(() => {
        this.#immediates++;
        resolve();
      });
      if (this.#immediates >= IMMEDIATES_MIN) return;
      // A file closed in the meantime gives no answer; the loop has still turned.
      this.#lookAt().then(() => resolve(), () => resolve());
    });
  }

  async #syncAfterTurn(
    turn: Promise<void>,
    atOnce: () => void,
    threaded: () => Promise<void>,
  ): Promise<void> {
    const asked = performance.now();
    await turn;
    const start = performance.now();
    // The loop had other work. One turn advances it by one step, so give it a whole sync's time too.
    if (start - asked > BUSY_TURN_MS) await threaded();
    else atOnce();
    this.#note(start);
  }

  /** Events come in bursts. With synchronous syncs, each event would get its own sync while all others wait. */
  #noteTurn(cameByItself: boolean): void {
    this.#ownTurns = cameByItself ? this.#ownTurns + 1 : 0;
    if (this.#ownTurns < OWN_TURNS_MAX) return;
    this.#threadedUntil = performance.now() + THREADED_MS;
    // After that, one such turn is enough to show that nothing has changed.
    this.#ownTurns = OWN_TURNS_MAX - 1;
  }

  async #syncThreaded(sync: () => Promise<void>, start: number): Promise<void> {
    await sync();
    this.#note(start);
  }

  #note(start: number): void {
    this.inline = performance.now() - start <= FAST_MS;
  }
}
