/**
 * Measures how much the journal has grown, which decides when to compact it.
 *
 * @module
 */

import type { WriteCounts } from "../format/write_totals.ts";

/** How much longer the journal is than at the last snapshot, or at the last attempt to write one. */
export class JournalGrowth {
  readonly #sinceOpen: WriteCounts;
  /** What `recordBytes` was at that snapshot; below 0 when it is older than this process. */
  #start: number;

  /**
   * @param sinceOpen what is written; still counting
   * @param before how long the journal after the newest snapshot was at opening, in bytes
   */
  constructor(sinceOpen: WriteCounts, before: number) {
    this.#sinceOpen = sinceOpen;
    this.#start = -before;
  }

  /** The growth in bytes. */
  get size(): number {
    return this.#sinceOpen.recordBytes - this.#start;
  }

  /** Measures from here on. */
  restart(): void {
    this.#start = this.#sinceOpen.recordBytes;
  }
}
