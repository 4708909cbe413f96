/**
 * The line feeds that a segment is filled with ahead of its tail, so that a commit changes neither its size nor its
 * blocks: how far they reach, and when there are more.
 *
 * @module
 */

import { fillEndFor } from "../format/fill.ts";
import type { DurableFile } from "../durable_fs.ts";
import { isDiskFull } from "../failures.ts";
import { FILL_RESERVE } from "../format/format.ts";
import { hasNoSpaceFor } from "./tail_repair.ts";
import { fillWithLineFeeds } from "../disk/file_io.ts";

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
