/**
 * Decides, sync by sync, whether to answer at once or on a thread: at once costs no thread hop, but holds
 * the event loop for as long as the disk takes.
 *
 * @module
 */

/**
 * `setImmediate` as it was when this was loaded; a test may put a clock of its own in its place later. The property is
 * taken and not the function: Deno makes the function when it is first asked for, which takes as long as loading this
 * library, and only a process that keeps committing asks.
 */
const loop: { setImmediate?(callback: () => void): unknown } = {};
const immediate = Object.getOwnPropertyDescriptor(globalThis, "setImmediate");
if (immediate !== undefined) Object.defineProperty(loop, "setImmediate", immediate);

/** A disk counts as fast while its syncs take less than this. */
const FAST_MS = 0.6;

/** How long syncs may be made at once before the event loop gets a turn. */
const TURN_MS = 2;

/** A turn that took longer than this had something to do; an idle one takes 0.01 to 0.1 ms. */
const BUSY_TURN_MS = 0.12;

/** After so many turns in a row that came by themselves, the process is one that answers to events. */
const OWN_TURNS_MAX = 3;

/** How many turns `setImmediate` must have brought before it is relied on alone. */
const IMMEDIATES_MIN = 3;

/** How long such a process has its syncs made on a thread before another try. */
const THREADED_MS = 250;

/** Keeps in mind how long one disk's latest sync took, and whether its process does anything but commit. */
export class SyncPace {
  /** Whether the disk is fast: the latest sync was. The first one is seen on a thread. */
  inline = false;
  #turn: Promise<void> | null = null;
  #turnDue = 0;
  #ownTurns = 0;
  #threadedUntil = 0;
  #immediates = 0;
  readonly #lookAt: () => Promise<unknown>;

  /**
   * @param lookAt asks the system something small on a thread; its answer comes with a turn of the event loop, too
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
   * A loop of commits that never waits for anything else starves timers and sockets: it has to wait for this turn when
   * it is due. Where the loop turns by itself before that, somebody waits for something else.
   */
  #askForTurn(start: number): void {
    this.#turnDue = start + TURN_MS;
    this.#turn = this.#nextTurn().then(() => {
      this.#turn = null;
      this.#noteTurn(performance.now() < this.#turnDue);
    });
  }

  /**
   * The next turn of the loop. `setImmediate` brings it for less than a thread, but a host may lack it, and a test may
   * have replaced it, before this was loaded, by a clock that never ticks: it has to show first that it does.
   */
  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      loop.setImmediate?.(() => {
        this.#immediates++;
        resolve();
      });
      if (this.#immediates >= IMMEDIATES_MIN) return;
      // A file that was closed meanwhile has no answer; the loop has turned all the same.
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
    // Whoever had something to do there gets on by one step only; so they have the time of a whole sync as well.
    if (start - asked > BUSY_TURN_MS) await threaded();
    else atOnce();
    this.#note(start);
  }

  /** Events come in bunches: made at once, every one of them would have a sync of its own while all others wait. */
  #noteTurn(cameByItself: boolean): void {
    this.#ownTurns = cameByItself ? this.#ownTurns + 1 : 0;
    if (this.#ownTurns < OWN_TURNS_MAX) return;
    this.#threadedUntil = performance.now() + THREADED_MS;
    // One such turn after that is enough to see that nothing has changed.
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
