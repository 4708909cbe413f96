/**
 * Calls back once a journal has been idle for a while.
 *
 * @module
 */

/** A timer that every use of the journal starts again. */
export class IdleTimer {
  readonly #delayMs: number | null;
  readonly #onIdle: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param delayMs how long nothing may happen, in milliseconds; `null` for never calling back */
  constructor(delayMs: number | null, onIdle: () => void) {
    this.#delayMs = delayMs;
    this.#onIdle = onIdle;
  }

  /** Begins to wait. */
  start(): void {
    if (this.#delayMs !== null) this.#timer = setTimeout(this.#onIdle, this.#delayMs);
  }

  /** Stops waiting. Deno sets up its timers when one is first used, so don't touch them without a timer. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
