/**
 * Turns what a mutator returned into something that can be kept and compared, whatever it is.
 *
 * @module
 */

import { messageOf } from "../src/failures.ts";

/** Deeper than any JSON that a caller could be sent. */
const DEPTH_MAX = 500;

/**
 * A result as JSON has it: what it has beyond that is the program's own affair. A BigInt stays one, and where an object
 * holds itself, a text says so; neither is JSON, and a result need not be.
 */
export function sketch(result: unknown): unknown {
  try {
    return sketchOf(result, "", [], new Map()) ?? null;
  } catch (error) {
    // A getter or a `toJSON` of the program's.
    return `(can't be read: ${messageOf(error)})`;
  }
}

function sketchOf(
  given: unknown,
  key: string,
  ancestors: readonly object[],
  known: Map<object, unknown>,
): unknown {
  const value = replaced(given, key);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  const above = ancestors.indexOf(value);
  if (above >= 0) return `(the object ${ancestors.length - above} levels up)`;
  // A part that many places share is copied once: to follow every way to it could take for ever.
  if (known.has(value)) return known.get(value);
  if (ancestors.length >= DEPTH_MAX) return "(deeper)";
  const path = [...ancestors, value];
  const inner = (part: unknown, key: string) => sketchOf(part, key, path, known);
  const copy = Array.isArray(value)
    ? value.map((item, index) => inner(item, String(index)) ?? null)
    : Object.fromEntries(
      Object.entries(value)
        .map(([name, member]) => [name, inner(member, name)] as const)
        .filter(([, member]) => member !== undefined),
    );
  known.set(value, copy);
  return copy;
}

function replaced(value: unknown, key: string): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  return typeof toJSON === "function" ? toJSON.call(value, key) : value;
}
