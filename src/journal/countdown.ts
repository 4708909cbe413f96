/**
 * Calls back after a while, unless it is stopped before.
 *
 * @module
 */

/** A timer that can be started again and again. */
export class Countdown {
  readonly #delayMs: number | null;
  readonly #onEnd: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param delayMs how long it takes, in milliseconds; `null` for never calling back */
  constructor(delayMs: number | null, onEnd: () => void) {
    this.#delayMs = delayMs;
    this.#onEnd = onEnd;
  }

  /** Begins to wait. Not to be called twice without {@linkcode Countdown.stop} between. */
  start(): void {
    if (this.#delayMs !== null) this.#timer = setTimeout(this.#onEnd, this.#delayMs);
  }

  /** Stops waiting. Deno sets up its timers when one is first used, so don't touch them without a timer. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
