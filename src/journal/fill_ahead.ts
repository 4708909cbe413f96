/**
 * The line feeds that a segment is filled with ahead of its tail, so that a commit changes neither its size nor its
 * blocks: how far they reach, and when there are more.
 *
 * @module
 */

import type { DurableFile } from "../durable_fs.ts";
import { isDiskFull } from "../failures.ts";
import { FILL_RESERVE, FILL_SIZE_MAX, FILL_SIZE_MIN } from "../format/format.ts";
import { PAGE_SIZE } from "../traffic.ts";
import { hasNoSpaceFor } from "./tail_repair.ts";
import { fillWithLineFeeds } from "./write_bytes.ts";

/** The fill of the segment that is being written. */
export class FillAhead {
  /** Where this process began to write in the segment. */
  readonly #startOffset: number;
  /** Where the line feeds end. */
  end: number;
  /** Whether this process has appended a batch: for one that makes a single batch, filling ahead would not pay. */
  isAhead: boolean;

  constructor(startOffset: number, end: number, isAhead: boolean) {
    this.#startOffset = startOffset;
    this.end = end;
    this.isAhead = isAhead;
  }

  /** Whether a batch of `size` bytes fits, and the reserve after it. */
  fits(offset: number, size: number): boolean {
    return offset + size + FILL_RESERVE <= this.end;
  }

  /**
   * Makes room for a batch that doesn't fit. The first of a process only finds out whether the disk has room for the
   * reserve, too: {@linkcode FillAhead.cutReserve} gives that back.
   *
   * @throws what the operating system says, a full disk too: then everything is as before
   */
  async extendFor(file: DurableFile, offset: number, size: number): Promise<void> {
    const needed = Math.max(this.end, offset + size + FILL_RESERVE);
    const wanted = this.isAhead ? fillEndFor(offset, size, this.end, this.#startOffset) : needed;
    try {
      await this.#extendTo(file, wanted);
    } catch (error) {
      if (!isDiskFull(error) || wanted === needed) throw error;
      await this.#extendTo(file, needed);
    }
  }

  async #extendTo(file: DurableFile, end: number): Promise<void> {
    try {
      await fillWithLineFeeds(file, this.end, end);
    } catch (error) {
      // Where even cutting takes space, there are only more line feeds than were counted on.
      if (isDiskFull(error)) await hasNoSpaceFor(() => file.truncate(this.end));
      throw error;
    }
    this.end = end;
  }

  /** Cuts off what comes after the first batch of a process. Before its sync, so that a card is never given it. */
  async cutReserve(file: DurableFile, batchEnd: number): Promise<void> {
    if (this.isAhead) return;
    if (!await hasNoSpaceFor(() => file.truncate(batchEnd))) this.end = batchEnd;
  }
}

/**
 * Where the fill ends once there is room for a batch: as much more as was written since `startOffset`, within limits,
 * so that a busy journal rarely waits.
 *
 * @param fillEnd where it ends now
 * @param startOffset where the process began to write in the segment
 */
export function fillEndFor(
  offset: number,
  size: number,
  fillEnd: number,
  startOffset: number,
): number {
  const needed = size + FILL_RESERVE;
  if (offset + needed <= fillEnd) return fillEnd;
  const step = Math.min(FILL_SIZE_MAX, Math.max(FILL_SIZE_MIN, offset - startOffset));
  return Math.ceil((offset + Math.max(needed, step)) / PAGE_SIZE) * PAGE_SIZE;
}
