/**
 * Sets members of objects so that every key is treated as data.
 *
 * @module
 */

/** Sets a member. `__proto__` becomes an ordinary member: an assignment would replace the prototype. */
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
