/**
 * Describes where two values differ, for the message of a check.
 *
 * @module
 */

import { findDifference, shortText } from "../src/format/difference.ts";

/**
 * The first place at which a value has changed, with the old and the new value; `null` when they are equal. Values may
 * hold a BigInt, and share parts.
 */
export function firstDifference(was: unknown, is: unknown, place = "$"): string | null {
  const difference = findDifference(was, is, new WeakMap());
  if (difference === null) return null;
  const { steps, was: before, is: now } = difference;
  const here = place +
    steps.map(({ key, isItem }) => isItem ? `[${key}]` : `.${key}`).join("");
  if (before === null) return `${here} was missing and is ${shortText(now!.value)}`;
  if (now === null) return `${here} was ${shortText(before.value)} and is missing`;
  return `${here} was ${shortText(before.value)} and is ${shortText(now.value)}`;
}
