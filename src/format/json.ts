/**
 * Decides whether JSON can hold a value without loss, and encodes it. Anything that JSON would drop or change is
 * refused.
 *
 * @module
 */

import { DEPTH_MAX } from "./format.ts";
import { parseExactly } from "./json_parse.ts";

/** The longest path that a message shows in full, in characters. */
const PLACE_SIZE_MAX = 200;

/** The place in a value that JSON can't hold, and what stands there. */
export interface JsonFlaw {
  /** Path to the place, such as `$.readings[3]`. */
  place: string;
  /** A description of what stands there. */
  found: string;
}

/**
 * Looks for the first thing in `value` that would not survive JSON unchanged: `undefined`, functions, symbols,
 * `BigInt`, `NaN`, infinities, anything that {@linkcode findContainerFlaw} finds, holes in arrays, cycles and nesting
 * deeper than `depthMax`.
 *
 * @param depth how deep `value` itself is nested
 */
export function findJsonFlaw(value: unknown, depthMax = DEPTH_MAX, depth = 0): JsonFlaw | null {
  if (isScalar(value)) return null;
  if (typeof value !== "object") return { place: "", found: describeNonJson(value) };
  // A cycle is endless nesting, so the depth limit finds it without a list of ancestors.
  if (depth >= depthMax) {
    return { place: "", found: `a cycle, or nesting deeper than ${depthMax}` };
  }
  const container = value as object;
  const found = findContainerFlaw(container);
  if (found !== null) return { place: "", found };
  if (Array.isArray(container)) {
    for (let i = 0; i < container.length; i++) {
      const item: unknown = container[i];
      if (isScalar(item)) continue;
      const flaw = findJsonFlaw(item, depthMax, depth + 1);
      if (flaw !== null) return { place: `[${i}]${flaw.place}`, found: flaw.found };
    }
    return null;
  }
  const members = container as Record<string, unknown>;
  // `Object.keys` would make an array for each object. What is inherited is not part of the JSON.
  for (const key in members) {
    const member = members[key];
    if (isScalar(member)) continue;
    const flaw = findJsonFlaw(member, depthMax, depth + 1);
    if (flaw !== null && Object.hasOwn(members, key)) {
      return { place: `.${key}${flaw.place}`, found: flaw.found };
    }
  }
  return null;
}

/** Whether a value is known to be JSON without looking inside. */
function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "boolean" || value === null ||
    typeof value === "number" && Number.isFinite(value);
}

function describeNonJson(value: unknown): string {
  if (typeof value === "number") return `the number ${value}`;
  return value === undefined ? "undefined" : `a ${typeof value}`;
}

/**
 * Describes what an object or array itself would lose in JSON, apart from its members: its class, what its `toJSON`
 * leaves out, members under symbols, members of an array that are not items.
 */
export function findContainerFlaw(container: object): string | null {
  if (!isPlain(container)) return `an object of class ${container.constructor?.name ?? "unknown"}`;
  if (typeof (container as { toJSON?: unknown }).toJSON === "function") {
    return "an object with toJSON";
  }
  if (Object.getOwnPropertySymbols(container).length > 0) return "an object with a symbol as key";
  // An array with one hole for each such member passes here; the hole is found as `undefined`.
  if (Array.isArray(container) && Object.keys(container).length > container.length) {
    return "an array with members that are not items";
  }
  return null;
}

/** Whether an object inherits only what every object or array does. */
function isPlain(container: object): boolean {
  const prototype = Object.getPrototypeOf(container);
  if (prototype === null || prototype === Object.prototype) return !Array.isArray(container);
  if (!Array.isArray(container)) return isObjectPrototype(prototype);
  return prototype === Array.prototype ||
    Array.isArray(prototype) && isObjectPrototype(Object.getPrototypeOf(prototype));
}

/** Another realm (a test runner's sandbox, for example) has its own `Object.prototype`. */
function isObjectPrototype(prototype: object | null): boolean {
  return prototype !== null && Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, "isPrototypeOf");
}

/** Describes a flaw, as part of a message. */
export function describeFlaw({ place, found }: JsonFlaw): string {
  // A cycle's path is a thousand steps long.
  const short = place.length <= PLACE_SIZE_MAX
    ? place
    : `${place.slice(0, PLACE_SIZE_MAX / 2)} … ${place.slice(-PLACE_SIZE_MAX / 2)}`;
  return `$${short} is ${found}`;
}

/** A copy that shares nothing with `value`, which must be JSON without loss. */
export function copyJson<T>(value: T): T {
  return parseExactly(JSON.stringify(value)) as T;
}
