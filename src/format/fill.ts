/**
 * Steps over the line feeds that a segment is filled with ahead of its tail: up to a million, on every open.
 *
 * @module
 */

import { LINE_FEED } from "./format.ts";

/** Four line feeds, as one number in any byte order. */
const FOUR_LINE_FEEDS = 0x0a0a0a0a;

/** Where the run of line feeds that begins at `at` ends; `at` itself when there is none. */
export function skipLineFeeds(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && bytes[at] === LINE_FEED && (bytes.byteOffset + at) % 4 !== 0) at++;
  if (at < bytes.length && (bytes.byteOffset + at) % 4 === 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, bytes.length - at >> 2);
    let count = 0;
    while (count < words.length && words[count] === FOUR_LINE_FEEDS) count++;
    at += 4 * count;
  }
  while (at < bytes.length && bytes[at] === LINE_FEED) at++;
  return at;
}
