/**
 * Steps over the line feeds that a segment is filled with ahead of its tail: up to a million, on every open.
 *
 * @module
 */

import { LINE_FEED } from "./format.ts";

/** Eight line feeds, read as one number in any byte order. No other eight bytes are equal to it. */
const EIGHT_LINE_FEEDS = new Float64Array(new Uint8Array(8).fill(LINE_FEED).buffer)[0]!;

/** Where the run of line feeds that begins at `at` ends; `at` itself when there is none. */
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
