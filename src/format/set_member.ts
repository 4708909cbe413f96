/**
 * Sets members of objects so that a key is always data.
 *
 * @module
 */

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
