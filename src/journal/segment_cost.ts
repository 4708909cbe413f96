/**
 * Works out from a segment's lines what the directory had written by then: the newest totals that a header or seal
 * tells, and what the lines behind them cost.
 *
 * @module
 */

import { FILL_SIZE_MIN, type SegmentHeader } from "../format/format.ts";
import type { Batch, Seal } from "../format/scan.ts";
import { extendLife, type Life, noTraffic, PAGE_SIZE, pagesTouched } from "../traffic.ts";

/** Adds up one segment. */
export class SegmentCost {
  #told: Life;
  /** Where the line of the totals ends; 0 for the header's, which leave out the segment they are in. */
  #from = 0;
  /** What the lines behind it cost. */
  #behind = noTraffic();

  constructor(header: SegmentHeader) {
    this.#told = header.written ?? { since: header.first, ...noTraffic() };
    // The header itself, its sync, and that of its name; its page is one of the fill's.
    this.#behind.writes = 1;
    this.#behind.syncs = 2;
  }

  /** Adds what a scan found; the next time, what it found behind that. */
  add(batches: Batch[], seals: Seal[]): void {
    for (const { offset, offsetEnd, written } of seals) {
      if (written !== undefined) {
        this.#told = written;
        this.#from = offsetEnd;
        this.#behind = noTraffic();
      }
      this.#line(offset, offsetEnd);
      // That of the cut that follows a seal when the journal is closed.
      this.#behind.syncs++;
    }
    for (const { offset, offsetEnd, sequenceFirst, sequenceLast } of batches) {
      if (offset < this.#from) continue;
      this.#line(offset, offsetEnd);
      this.#behind.mutations += sequenceLast - sequenceFirst + 1;
      this.#behind.recordBytes += offsetEnd - offset;
    }
  }

  /** One write and one sync. */
  #line(offset: number, offsetEnd: number): void {
    const size = offsetEnd - offset;
    this.#behind.writes++;
    this.#behind.bytes += size;
    this.#behind.cardBytes += pagesTouched(offset, size);
    this.#behind.syncs++;
  }

  /** What the directory had written when the segment's lines ended at `soundEnd`. */
  lifeAt(soundEnd: number): Life {
    const life = extendLife(this.#told, this.#behind);
    if (soundEnd === this.#from) return life;
    // The lines stand in space that was filled before: at least as much, and in pieces of that size.
    const pages = Math.ceil((soundEnd - this.#from) / PAGE_SIZE) * PAGE_SIZE;
    const fill = Math.max(FILL_SIZE_MIN, pages);
    const writes = Math.ceil(fill / FILL_SIZE_MIN);
    return extendLife(life, { ...noTraffic(), writes, bytes: fill, cardBytes: fill });
  }
}
