/**
 * Turns whatever a mutator returned into something that can be stored and compared.
 *
 * @module
 */

import { messageOf } from "../src/failures.ts";

/** Deeper than any JSON that could be sent to a caller. */
const DEPTH_MAX = 500;

/**
 * A result as JSON would hold it; anything beyond that is up to the program. A BigInt stays a BigInt, and a text marks
 * where an object contains itself. Neither is JSON, and a result need not be.
 */
export function sketch(result: unknown): unknown {
  try {
    return sketchOf(result, "", [], new Map()) ?? null;
  } catch (error) {
    // Thrown by a getter or a `toJSON` of the program.
    return `(can't be read: ${messageOf(error)})`;
  }
}

function sketchOf(
  given: unknown,
  key: string,
  ancestors: readonly object[],
  copies: Map<object, unknown>,
): unknown {
  const value = replaced(given, key);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  const above = ancestors.indexOf(value);
  if (above >= 0) return `(the object ${ancestors.length - above} levels up)`;
  // A part shared by many places is copied once: following every path to it could take forever.
  if (copies.has(value)) return copies.get(value);
  if (ancestors.length >= DEPTH_MAX) return "(deeper)";
  const path = [...ancestors, value];
  const inner = (part: unknown, key: string) => sketchOf(part, key, path, copies);
  const copy = Array.isArray(value)
    ? value.map((item, index) => inner(item, String(index)) ?? null)
    : Object.fromEntries(
      Object.entries(value)
        .map(([name, member]) => [name, inner(member, name)] as const)
        .filter(([, member]) => member !== undefined),
    );
  copies.set(value, copy);
  return copy;
}

function replaced(value: unknown, key: string): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  return typeof toJSON === "function" ? toJSON.call(value, key) : value;
}
