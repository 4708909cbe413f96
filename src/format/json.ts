/**
 * Decides whether a value is JSON without loss, and encodes it: what JSON would drop or change is refused.
 *
 * @module
 */

import { DEPTH_MAX } from "./format.ts";
import { parseExactly } from "./json_parse.ts";

/** Says where in a value something stands that JSON can't hold, and what it is. */
export interface JsonFlaw {
  /** Path to the place, such as `$.readings[3]`. */
  place: string;
  /** What stands there, in words. */
  found: string;
}

/**
 * Looks for the first thing in `value` that would not come back from JSON as it went in: `undefined`, functions,
 * symbols, `BigInt`, `NaN`, infinities, objects of a class, holes in arrays, cycles and nesting over {@linkcode DEPTH_MAX}.
 */
export function findJsonFlaw(value: unknown, depth = 0): JsonFlaw | null {
  switch (typeof value) {
    case "string":
    case "boolean":
      return null;
    case "number":
      return Number.isFinite(value) ? null : { place: "", found: `the number ${value}` };
    case "object":
      break;
    default:
      return { place: "", found: typeof value === "undefined" ? "undefined" : `a ${typeof value}` };
  }
  if (value === null) return null;
  // A cycle is nesting without an end; the depth limit finds it without keeping a list of ancestors.
  if (depth >= DEPTH_MAX) {
    return { place: "", found: `a cycle, or nesting deeper than ${DEPTH_MAX}` };
  }
  return Array.isArray(value) ? findInArray(value, depth) : findInObject(value, depth);
}

function findInArray(items: unknown[], depth: number): JsonFlaw | null {
  // JSON would keep the items alone, or what `toJSON` makes of them.
  const className = classNameOf(items);
  if (className !== null) return { place: "", found: className };
  if (Object.keys(items).length > items.length) {
    return { place: "", found: "an array with members that are not items" };
  }
  for (let i = 0; i < items.length; i++) {
    const flaw = findJsonFlaw(items[i], depth + 1);
    if (flaw !== null) return { place: `[${i}]${flaw.place}`, found: flaw.found };
  }
  return null;
}

function findInObject(object: object, depth: number): JsonFlaw | null {
  const className = classNameOf(object);
  if (className !== null) return { place: "", found: className };
  const entries = object as Record<string, unknown>;
  for (const key of Object.keys(entries)) {
    const flaw = findJsonFlaw(entries[key], depth + 1);
    if (flaw !== null) return { place: `.${key}${flaw.place}`, found: flaw.found };
  }
  return null;
}

/** Names what is not a plain object or array: one of a class, with a `toJSON`, or with symbol keys. */
function classNameOf(object: object): string | null {
  let prototype = Object.getPrototypeOf(object);
  if (Array.isArray(object) && prototype !== null) prototype = Object.getPrototypeOf(prototype);
  // A plain object from another realm (a test runner's sandbox, say) has a prototype whose own parent is null.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return `an object of class ${object.constructor?.name ?? "unknown"}`;
  }
  if (typeof (object as { toJSON?: unknown }).toJSON === "function") return "an object with toJSON";
  if (Object.getOwnPropertySymbols(object).length > 0) return "an object with a symbol as key";
  return null;
}

/** Says a flaw in words, as part of a message. */
export function describeFlaw(flaw: JsonFlaw): string {
  return `$${flaw.place} is ${flaw.found}`;
}

/** A copy that shares nothing with `value`, which must be JSON without loss. */
export function copyJson<T>(value: T): T {
  return parseExactly(JSON.stringify(value)) as T;
}

/** Sets a member. `__proto__` becomes a member like any other: an assignment would replace the prototype. */
export function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") {
    object[key] = value;
    return;
  }
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
