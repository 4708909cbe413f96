/**
 * Finds the first place where two values differ, and describes it.
 *
 * @module
 */

import { InvalidStateError } from "../errors.ts";
import { STATE_DEPTH_MAX } from "./format.ts";

const TEXT_LENGTH_MAX = 60;

/** One step into a value. */
export interface Step {
  key: string;
  /** Whether it leads into an array. */
  isItem: boolean;
}

/** The first place where two values differ. */
export interface Difference {
  /** How to get there; empty when the values differ as a whole. */
  steps: Step[];
  /** What stands there in the first value; `null` when there is nothing. */
  was: { value: unknown } | null;
  /** What stands there in the second value; `null` when there is nothing. */
  is: { value: unknown } | null;
}

/**
 * Finds the first place where two values differ; `null` when they are equal. The order of keys and the sign of zero
 * don't matter: JSON keeps neither.
 *
 * @param compared remembers which objects were compared, for values that share parts or hold cycles; without it,
 * nothing is kept for each object, and the values must be JSON
 * @throws {InvalidStateError} without `compared`, when both nest deeper than any state
 */
export function findDifference(
  was: unknown,
  is: unknown,
  compared: WeakMap<object, object> | null = null,
  depth = 0,
): Difference | null {
  if (was === is || Object.is(was, is)) return null;
  if (!isObject(was) || !isObject(is) || Array.isArray(was) !== Array.isArray(is)) {
    return { steps: [], was: { value: was }, is: { value: is } };
  }
  // Parts shared by many places are compared once: following every path to them could take forever.
  if (compared?.get(was) === is) return null;
  compared?.set(was, is);
  if (compared === null && depth > STATE_DEPTH_MAX) {
    throw new InvalidStateError(
      `The state holds a cycle, or nests deeper than ${STATE_DEPTH_MAX}: keep only JSON values in the state`,
    );
  }
  const isItem = Array.isArray(was);
  for (const key of Object.keys(was)) {
    const step = { key, isItem };
    if (!Object.hasOwn(is, key)) return { steps: [step], was: { value: was[key] }, is: null };
    const found = findDifference(was[key], is[key], compared, depth + 1);
    if (found !== null) return { ...found, steps: [step, ...found.steps] };
  }
  for (const key of Object.keys(is)) {
    if (Object.hasOwn(was, key)) continue;
    return { steps: [{ key, isItem }], was: null, is: { value: is[key] } };
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A value as a short text. */
export function shortText(value: unknown): string {
  const text = textOfAny(value);
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
}

/** A value as text, as far as possible: it need not be JSON. */
export function textOfAny(value: unknown): string {
  try {
    const big = (_: string, part: unknown) => typeof part === "bigint" ? `${part}n` : part;
    return typeof value === "bigint" ? `${value}n` : JSON.stringify(value, big) ?? String(value);
  } catch {
    return "a value that is not JSON";
  }
}
