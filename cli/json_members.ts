/**
 * Compares whole JSON values, measures their depth, and restores the order of their members.
 *
 * @module
 */

import { setMember } from "../src/format/set_member.ts";
import { isContainer } from "./json_pointer.ts";

/** Whether two JSON values are equal; the order of members doesn't matter. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (!isContainer(a) || !isContainer(b)) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSameJson(read(a, key), read(b, key)));
}

function read(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}

/** How deep a value is nested: 0 for a value without members. */
export function depthOf(value: unknown): number {
  if (!isContainer(value)) return 0;
  let deepest = 0;
  for (const child of Object.values(value)) deepest = Math.max(deepest, depthOf(child));
  return deepest + 1;
}

/** Puts the remaining members in the order of `keys`. */
export function restoreOrder(object: Record<string, unknown>, keys: readonly string[]): void {
  for (const key of keys) {
    if (!Object.hasOwn(object, key)) continue;
    const value = object[key];
    delete object[key];
    setMember(object, key, value);
  }
}
