/**
 * Copies a JSON value.
 *
 * @module
 */

import { setMember } from "./set_member.ts";

/**
 * A deep copy, several times faster than `structuredClone`, which also looks for cycles and for whatever isn't JSON.
 * Values that aren't JSON are left to `structuredClone`, which copies or refuses them.
 *
 * @throws {DOMException} when part of the value can't be copied, such as a function
 * @throws {RangeError} when it holds a cycle
 */
export function copyJson<T>(value: T): T {
  return (isPrimitive(value) ? value : copyObject(value)) as T;
}

function isPrimitive(value: unknown): boolean {
  return value === null || typeof value !== "object" && typeof value !== "function" &&
      typeof value !== "symbol";
}

function copyObject(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyJson);
  const prototype: unknown = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  const copy: Record<string, unknown> = {};
  const members = value as Record<string, unknown>;
  for (const key of Object.keys(members)) {
    const member = members[key];
    setMember(copy, key, isPrimitive(member) ? member : copyObject(member));
  }
  return copy;
}
