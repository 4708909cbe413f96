/**
 * Totals of bytes written, from a segment's lines: the newest totals in a header or seal, plus what the lines
 * after it cost.
 *
 * @module
 */

import { FILL_RESERVE, FILL_SIZE_MIN, type SegmentHeader } from "../format/format.ts";
import type { Batch, Seal } from "../format/scan.ts";
import { addWrites, noWrites, pagesTouched, type WriteTotals } from "../format/write_totals.ts";
import { fillEndFor } from "../format/fill.ts";

/** Adds up what was written, from the lines of one segment. */
export class SegmentTotals {
  /** The newest totals that a header or seal records. */
  #recorded: WriteTotals;
  /** Where the line with the totals ends; 0 for the header, whose totals don't include its own segment. */
  #from = 0;
  /** What the lines after that cost. */
  #since = noWrites();
  /** The offset at which the process that wrote those lines began to write. */
  #startOffset: number;
  /** The end of that process's fill; 0 before its first batch, for which nothing is filled ahead. */
  #filledEnd = 0;

  /** @param headerSize the size of the header's line, in bytes */
  constructor(header: SegmentHeader, headerSize: number) {
    this.#recorded = header.written ?? { since: header.first, ...noWrites() };
    this.#startOffset = headerSize;
    this.#line(0, headerSize);
    // The sync of its name.
    this.#since.syncs++;
  }

  /** Adds what a scan found. Each call adds what was found after the last one. */
  add(batches: Batch[], seals: Seal[]): void {
    for (const { offset, offsetEnd, written } of seals) {
      if (written !== undefined) {
        this.#recorded = written;
        this.#from = this.#startOffset = offsetEnd;
        this.#since = noWrites();
        this.#filledEnd = 0;
      }
      this.#line(offset, offsetEnd);
    }
    for (const { offset, offsetEnd, sequenceFirst, sequenceLast } of batches) {
      if (offset < this.#from) continue;
      this.#batch(offset, offsetEnd);
      this.#since.mutations += sequenceLast - sequenceFirst + 1;
      this.#since.recordBytes += offsetEnd - offset;
    }
  }

  /** Counts a batch, and what was filled ahead before it. */
  #batch(offset: number, offsetEnd: number): void {
    const size = offsetEnd - offset;
    const before = this.#filledEnd;
    if (before === 0) {
      this.#filledEnd = offsetEnd;
      // The reserve was written as well, and cut off before it reached the card.
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

  /** Counts some writes between two offsets, and one sync. */
  #add(
    offset: number,
    offsetEnd: number,
    { writes, bytes }: { writes: number; bytes: number },
  ): void {
    this.#since.writes += writes;
    this.#since.bytes += bytes;
    this.#since.cardBytes += pagesTouched(offset, offsetEnd - offset);
    this.#since.syncs++;
  }

  /** What the directory had written by the end of the last line. */
  get totals(): WriteTotals {
    return addWrites(this.#recorded, this.#since);
  }
}
