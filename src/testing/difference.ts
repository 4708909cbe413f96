/**
 * Finds where two JSON values differ, in words for a message.
 *
 * @module
 */

const TEXT_LENGTH_MAX = 60;

/** The first place at which two values differ, with both sides; `null` when they are the same. The order of keys is no difference. */
export function firstDifference(a: unknown, b: unknown, place = "$"): string | null {
  if (Object.is(a, b)) return null;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) {
    return `${place} is ${textOf(a)} and ${textOf(b)}`;
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const here = Array.isArray(a) ? `${place}[${key}]` : `${place}.${key}`;
    const sides = [a, b].map((side) => Object.hasOwn(side, key) ? side[key] : undefined);
    const difference = firstDifference(sides[0], sides[1], here);
    if (difference !== null) return difference;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
}
