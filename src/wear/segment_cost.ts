/**
 * Works out from a segment's lines what the directory had written by then: the newest totals that a header or seal
 * holds, and what the lines after it cost.
 *
 * @module
 */

import { FILL_RESERVE, FILL_SIZE_MIN, type SegmentHeader } from "../format/format.ts";
import type { Batch, Seal } from "../format/scan.ts";
import { extendLife, type Life, noTraffic, pagesTouched } from "../format/traffic.ts";
import { fillEndFor } from "../format/fill.ts";

/** Adds up one segment. */
export class SegmentCost {
  /** The newest totals. */
  #totals: Life;
  /** Where the line of the totals ends; 0 for the header's, which leave out the segment they are in. */
  #from = 0;
  /** What the lines after it cost. */
  #cost = noTraffic();
  /** Where the process began to write that wrote them. */
  #startOffset: number;
  /** Where its fill ends; 0 before its first batch, for which nothing is filled ahead. */
  #filledEnd = 0;

  /** @param headerSize the size of the header's line, in bytes */
  constructor(header: SegmentHeader, headerSize: number) {
    this.#totals = header.written ?? { since: header.first, ...noTraffic() };
    this.#startOffset = headerSize;
    this.#line(0, headerSize);
    // That of its name.
    this.#cost.syncs++;
  }

  /** Adds what a scan found; the next time, what it found after that. */
  add(batches: Batch[], seals: Seal[]): void {
    for (const { offset, offsetEnd, written } of seals) {
      if (written !== undefined) {
        this.#totals = written;
        this.#from = this.#startOffset = offsetEnd;
        this.#cost = noTraffic();
        this.#filledEnd = 0;
      }
      this.#line(offset, offsetEnd);
    }
    for (const { offset, offsetEnd, sequenceFirst, sequenceLast } of batches) {
      if (offset < this.#from) continue;
      this.#batch(offset, offsetEnd);
      this.#cost.mutations += sequenceLast - sequenceFirst + 1;
      this.#cost.recordBytes += offsetEnd - offset;
    }
  }

  /** A batch, and what was filled ahead before it. */
  #batch(offset: number, offsetEnd: number): void {
    const size = offsetEnd - offset;
    const before = this.#filledEnd;
    if (before === 0) {
      this.#filledEnd = offsetEnd;
      // The reserve was written, too, and cut off before it got to the card.
      return this.#add(offset, offsetEnd, { writes: 2, bytes: 2 * size + FILL_RESERVE });
    }
    this.#filledEnd = fillEndFor(offset, size, before, this.#startOffset);
    const fill = this.#filledEnd - before;
    this.#add(offset, fill === 0 ? offsetEnd : this.#filledEnd, {
      writes: 1 + Math.ceil(fill / FILL_SIZE_MIN),
      bytes: size + fill,
    });
  }

  #line(offset: number, offsetEnd: number): void {
    this.#add(offset, offsetEnd, { writes: 1, bytes: offsetEnd - offset });
  }

  /** Some writes between two offsets, and one sync. */
  #add(
    offset: number,
    offsetEnd: number,
    { writes, bytes }: { writes: number; bytes: number },
  ): void {
    this.#cost.writes += writes;
    this.#cost.bytes += bytes;
    this.#cost.cardBytes += pagesTouched(offset, offsetEnd - offset);
    this.#cost.syncs++;
  }

  /** What the directory had written when the last line was. */
  get life(): Life {
    return extendLife(this.#totals, this.#cost);
  }
}
