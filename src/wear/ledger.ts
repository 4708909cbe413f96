/**
 * The endurance ledger of an open state directory: what it has written since it was opened, and over its life.
 *
 * @module
 */

import { extendLife, type Life, noTraffic, type Traffic } from "../format/traffic.ts";

/** Counts since open, on top of what the files told. */
export class Ledger {
  readonly #before: Life;
  readonly #openedAt = performance.now();
  /** What was written since it was opened; goes on counting. */
  readonly sinceOpen: Traffic;

  /** @param before what the files told when it was opened */
  constructor(before: Life, sinceOpen: Traffic) {
    this.#before = before;
    this.sinceOpen = sinceOpen;
  }

  /** Everything so far. */
  get life(): Life {
    return extendLife(this.#before, this.sinceOpen);
  }

  /** How long it has been open, in milliseconds, by a clock that nobody sets. */
  get openMs(): number {
    return performance.now() - this.#openedAt;
  }

  /** Notes mutations that became durable; `size` is that of their records, in bytes. */
  committed(count: number, size: number): void {
    this.sinceOpen.mutations += count;
    this.sinceOpen.recordBytes += size;
  }
}

/** The life that counts most of those that files tell, for they only grow; one that begins at `since` when none does. */
export function newestLife(told: (Life | undefined)[], since: number): Life {
  const none: Life = { since, ...noTraffic() };
  return told.reduce<Life>(
    (most, life) => life !== undefined && life.bytes > most.bytes ? life : most,
    none,
  );
}
