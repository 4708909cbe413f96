/**
 * Remembers where batches could begin among unverified lines, with bounded memory.
 *
 * @module
 */

import { isCount } from "../format/format.ts";

/** More lines than a batch can have, so that the first line of the longest batch is still remembered at its last. */
const LINES_KEPT = 262_144;

/** How many sequences within lines to remember: the line feed before a batch can be damaged. */
const INNER_KEPT = 65_536;

/** How many places within lines to try for a sequence: data can look like the beginning of a batch. */
const INNER_PLACES = 16;

/** The most digits that a sequence has. */
const DIGITS_MAX = 16;

const BRACKET_OPEN = 0x5b, COMMA = 0x2c, ZERO = 0x30;

/** The places where each sequence could begin a batch. */
export class BatchStarts {
  readonly #expected: number;
  readonly #lines = new Map<number, number[]>();
  readonly #inner = new Map<number, number[]>();

  /** @param expected lower sequences are of no interest */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /**
   * Collects the places in one line.
   *
   * @param base the position of `bytes[0]` in the file
   * @returns the sequence that the line begins with, or -1
   */
  collect(bytes: Uint8Array, start: number, end: number, base: number): number {
    let begins = -1;
    for (let at = start; at < end; at++) {
      if (bytes[at] !== BRACKET_OPEN) continue;
      const sequence = readSequence(bytes, at + 1, end);
      if (sequence < this.#expected) continue;
      if (at === start) {
        begins = sequence;
        remember(this.#lines, LINES_KEPT, sequence, base + at, 2);
      } else {
        remember(this.#inner, INNER_KEPT, sequence, base + at, INNER_PLACES);
      }
    }
    return begins;
  }

  /** Where a batch that begins with `sequence` could be, the most likely places first. */
  of(sequence: number): number[] {
    return [...(this.#lines.get(sequence) ?? []), ...(this.#inner.get(sequence) ?? [])];
  }
}

/** Reads digits and a comma; -1 if there is something else. */
function readSequence(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = at; i < end && i <= at + DIGITS_MAX; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return bytes[i] === COMMA && i > at && isCount(value) ? value : -1;
    value = value * 10 + digit;
  }
  return -1;
}

/**
 * Keeps at most `most` places per sequence (the oldest half and the newest), and evicts the sequence inserted first.
 */
function remember(
  places: Map<number, number[]>,
  kept: number,
  sequence: number,
  place: number,
  most: number,
): void {
  const own = places.get(sequence);
  if (own === undefined) {
    if (places.size >= kept) places.delete(places.keys().next().value!);
    places.set(sequence, [place]);
    return;
  }
  if (own.length >= most) own.splice(most >> 1, 1);
  own.push(place);
}
