/**
 * The line feeds that a segment is filled with ahead of its tail, so that a commit changes neither its size nor its
 * blocks. Decides how far they reach and when to add more.
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
  /** The offset at which this process began to write in the segment. */
  readonly #startOffset: number;
  /** The end of the line feeds. */
  end: number;
  /**
   * Whether this process has appended a batch. Filling ahead would not pay for a process that writes a single batch.
   */
  isAhead: boolean;

  constructor(startOffset: number, end: number, isAhead: boolean) {
    this.#startOffset = startOffset;
    this.end = end;
    this.isAhead = isAhead;
  }

  /** Whether a batch of `size` bytes fits, with the reserve after it. */
  fits(offset: number, size: number): boolean {
    return offset + size + FILL_RESERVE <= this.end;
  }

  /**
   * Makes room for a batch that doesn't fit. For a process's first batch this only checks that the disk also has room
   * for the reserve: {@linkcode FillAhead.cutReserve} gives the reserve back.
   *
   * @throws the operating system's error, including a full disk; then everything is as before
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
      // If even cutting takes space, there are just more line feeds than were counted.
      if (isDiskFull(error)) await hasNoSpaceFor(() => file.truncate(this.end));
      throw error;
    }
    this.end = end;
  }

  /**
   * Cuts off what follows a process's first batch. Called before its sync, so that those bytes never reach the card.
   */
  async cutReserve(file: DurableFile, batchEnd: number): Promise<void> {
    if (this.isAhead) return;
    if (!await hasNoSpaceFor(() => file.truncate(batchEnd))) this.end = batchEnd;
  }
}
