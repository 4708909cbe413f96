/**
 * Finds where two values differ, and describes it for a message.
 *
 * @module
 */

const TEXT_LENGTH_MAX = 60;

/**
 * The first place at which a value has changed, with the old and the new value; `null` when they are equal. The order
 * of keys and the sign of zero don't matter: JSON keeps neither. Values may hold a BigInt, and share parts.
 */
export function firstDifference(
  was: unknown,
  is: unknown,
  place = "$",
  compared: WeakMap<object, object> = new WeakMap(),
): string | null {
  if (was === is || Object.is(was, is)) return null;
  if (!isObject(was) || !isObject(is) || Array.isArray(was) !== Array.isArray(is)) {
    return `${place} was ${textOf(was)} and is ${textOf(is)}`;
  }
  // Parts shared by many places are compared once: following every path to them could take forever.
  if (compared.get(was) === is) return null;
  compared.set(was, is);
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const here = Array.isArray(was) ? `${place}[${key}]` : `${place}.${key}`;
    if (!Object.hasOwn(was, key)) return `${here} was missing and is ${textOf(is[key])}`;
    if (!Object.hasOwn(is, key)) return `${here} was ${textOf(was[key])} and is missing`;
    const difference = firstDifference(was[key], is[key], here, compared);
    if (difference !== null) return difference;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A value as a short text. */
function textOf(value: unknown): string {
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
