/**
 * Skips the line feeds that a segment is filled with ahead of its tail: up to a million, on every open.
 *
 * @module
 */

import { FILL_RESERVE, FILL_SIZE_MAX, FILL_SIZE_MIN } from "./format.ts";
import { PAGE_SIZE } from "./write_totals.ts";
import { LINE_FEED } from "./format.ts";

/** Eight line feeds, read as one number in any byte order. No other eight bytes equal it. */
const EIGHT_LINE_FEEDS = new Float64Array(new Uint8Array(8).fill(LINE_FEED).buffer)[0]!;

/** The end of the run of line feeds that begins at `at`; `at` itself when there is none. */
export function skipLineFeeds(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && bytes[at] === LINE_FEED && (bytes.byteOffset + at) % 8 !== 0) at++;
  if (at < bytes.length && (bytes.byteOffset + at) % 8 === 0) {
    const eights = new Float64Array(bytes.buffer, bytes.byteOffset + at, bytes.length - at >> 3);
    let count = 0;
    while (count < eights.length && eights[count] === EIGHT_LINE_FEEDS) count++;
    at += 8 * count;
  }
  while (at < bytes.length && bytes[at] === LINE_FEED) at++;
  return at;
}

/**
 * The end of the fill once there is room for a batch. The fill grows by as much as was written since `startOffset`,
 * within limits, so that a busy journal rarely waits.
 *
 * @param fillEnd where the fill ends now
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
