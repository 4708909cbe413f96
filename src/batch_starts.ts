/**
 * Remembers where batches could begin among lines that nothing vouches for, with bounded memory.
 *
 * @module
 */

import { isCount } from "./format.ts";

/** More than a batch has lines, so that the first line of the longest batch is still known at its last. */
const LINES_KEPT = 262_144;

/** How many sequences are remembered that stand within lines: the line feed before a batch can be damaged. */
const INNER_KEPT = 65_536;

/** How many places within lines are tried for a sequence: data can look like the beginning of a batch. */
const INNER_PLACES = 16;

/** The places where each sequence could begin a batch. */
export class BatchStarts {
  readonly #expected: number;
  readonly #lines = new Map<number, number[]>();
  readonly #inner = new Map<number, number[]>();

  /** @param expected sequences below it begin nothing of interest */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /**
   * Takes a line's places in.
   *
   * @param text one character for each byte
   * @returns the sequence that the line begins with, or `null`
   */
  collect(text: string, offset: number): number | null {
    let begins: number | null = null;
    for (const match of text.matchAll(/\[(\d{1,16}),/g)) {
      const sequence = Number(match[1]);
      if (!isCount(sequence) || sequence < this.#expected) continue;
      const place = offset + match.index;
      if (match.index === 0) {
        begins = sequence;
        remember(this.#lines, LINES_KEPT, sequence, place, 2);
      } else {
        remember(this.#inner, INNER_KEPT, sequence, place, INNER_PLACES);
      }
    }
    return begins;
  }

  /** Where a batch that begins with `sequence` could stand, the likeliest places first. */
  of(sequence: number): number[] {
    return [...(this.#lines.get(sequence) ?? []), ...(this.#inner.get(sequence) ?? [])];
  }
}

/** Keeps the first half of a sequence's places and the latest ones; the longest known sequence makes room. */
function remember(
  places: Map<number, number[]>,
  kept: number,
  sequence: number,
  place: number,
  most: number,
): void {
  const known = places.get(sequence);
  if (known === undefined) {
    if (places.size >= kept) places.delete(places.keys().next().value!);
    places.set(sequence, [place]);
    return;
  }
  if (known.length >= most) known.splice(most >> 1, 1);
  known.push(place);
}
