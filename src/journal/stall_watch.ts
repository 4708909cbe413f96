/**
 * Reports a batch that takes too long to become durable, as on a card that must tidy up before it can write more.
 *
 * @module
 */

import type { MaybePromise } from "../durable_fs.ts";
import type { Stall } from "../options.ts";
import { Countdown } from "./countdown.ts";

/** Watches one batch after the other. Costs nothing while nobody listens. */
export class StallWatch {
  readonly #onStall: ((stall: Stall) => void) | undefined;
  readonly #afterMs: number;
  readonly #countdown: Countdown;
  #path = "";
  #begunAt = 0;
  #isReported = false;

  /** @param afterMs how long a batch may take, in milliseconds */
  constructor(onStall: ((stall: Stall) => void) | undefined, afterMs: number) {
    this.#onStall = onStall;
    this.#afterMs = afterMs;
    this.#countdown = new Countdown(afterMs, () => this.#report());
  }

  /** Watches a batch that `commit` writes to a segment. */
  watch(path: string, commit: () => MaybePromise<void>): MaybePromise<void> {
    if (this.#onStall === undefined) return commit();
    this.#path = path;
    this.#begunAt = performance.now();
    this.#isReported = false;
    const committing = commit();
    if (committing === undefined) return this.#end();
    this.#countdown.start();
    return committing.finally(() => this.#end());
  }

  /** A disk that blocks the program is noticed only afterwards. */
  #end(): void {
    this.#countdown.stop();
    if (!this.#isReported && performance.now() - this.#begunAt >= this.#afterMs) this.#report();
  }

  #report(): void {
    this.#isReported = true;
    try {
      this.#onStall!({ path: this.#path, ms: performance.now() - this.#begunAt });
    } catch {
      // The batch is not to blame for what the listener throws.
      return;
    }
  }
}
