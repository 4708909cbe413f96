/**
 * Write totals of an open state directory: since it was opened, and over its lifetime.
 *
 * @module
 */

import { extendLife, type Life, noTraffic, type Traffic } from "../format/traffic.ts";

/** Counts since opening, added to the totals found in the files. */
export class Ledger {
  readonly #before: Life;
  readonly #openedAt = performance.now();
  /** What was written since opening; still counting. */
  readonly sinceOpen: Traffic;

  /** @param before the totals found in the files at opening */
  constructor(before: Life, sinceOpen: Traffic) {
    this.#before = before;
    this.sinceOpen = sinceOpen;
  }

  /** The totals so far. */
  get life(): Life {
    return extendLife(this.#before, this.sinceOpen);
  }

  /** How long the directory has been open, in milliseconds, by a monotonic clock. */
  get openMs(): number {
    return performance.now() - this.#openedAt;
  }

  /** Counts mutations that became durable; `size` is the size of their records, in bytes. */
  committed(count: number, size: number): void {
    this.sinceOpen.mutations += count;
    this.sinceOpen.recordBytes += size;
  }
}

/** The largest totals found in the files (totals only grow), or zero from `since`. */
export function newestLife(told: (Life | undefined)[], since: number): Life {
  const none: Life = { since, ...noTraffic() };
  return told.reduce<Life>(
    (most, life) => life !== undefined && life.bytes > most.bytes ? life : most,
    none,
  );
}
