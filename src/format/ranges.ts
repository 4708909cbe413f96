/**
 * Ranges of sequences, as batches, seals and headers list them: which mutations were refused, and which belong together.
 *
 * @module
 */

import { isCount } from "./format.ts";

/** The first and the last sequence of a range. */
export type SequenceSpan = readonly [first: number, last: number];

/** The list that nearly every batch has. */
export const NO_RANGES: readonly SequenceSpan[] = [];

/** Checks a list of ranges read from a file: ascending, without overlap, within `first` and `last`. */
export function isRanges(
  value: unknown,
  first: number,
  last: number,
): value is readonly SequenceSpan[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  let least = first;
  for (const range of value) {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [from, to] = range;
    if (!isCount(from) || !isCount(to) || from < least || to < from || to > last) return false;
    least = to + 1;
  }
  return true;
}

/** Adds a range after the others, joining it to the last one when they touch. */
export function addRange(ranges: SequenceSpan[], first: number, last: number): void {
  const before = ranges[ranges.length - 1];
  if (before !== undefined && before[1] + 1 === first) {
    ranges[ranges.length - 1] = [before[0], last];
  } else ranges.push([first, last]);
}

/** The range that holds `sequence`, or `undefined`. */
export function rangeOf(
  ranges: readonly SequenceSpan[],
  sequence: number,
): SequenceSpan | undefined {
  let low = 0, high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]![1] < sequence) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && found[0] <= sequence ? found : undefined;
}

/** The parts of the ranges up to and including `last`. */
export function clipRanges(ranges: readonly SequenceSpan[], last: number): SequenceSpan[] {
  return ranges.filter(([first]) => first <= last).map(([first, end]) => [
    first,
    Math.min(end, last),
  ]);
}

/** The size of the ranges' JSON, in characters. */
export function sizeOfRanges(ranges: readonly SequenceSpan[]): number {
  return ranges.length === 0 ? 2 : JSON.stringify(ranges).length;
}

/** How many sequences the ranges hold. */
export function countIn(ranges: readonly SequenceSpan[]): number {
  return ranges.reduce((count, [first, last]) => count + last - first + 1, 0);
}
