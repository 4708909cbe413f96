/**
 * Replaces members of objects while a function runs, and restores all of them afterwards.
 *
 * @module
 */

/** A member and its replacement. */
export interface Patch {
  readonly object: object;
  readonly key: PropertyKey;
  /** A value, or a getter. */
  readonly by: { value: unknown } | { get(this: unknown): unknown };
}

/** Replaces a member with a value, which is usually a function. */
export function value(object: object, key: PropertyKey, value: unknown): Patch {
  return { object, key, by: { value } };
}

/** Replaces a member with the result of a function. */
export function getter(object: object, key: PropertyKey, get: (this: unknown) => unknown): Patch {
  return { object, key, by: { get } };
}

/** Runs `call`, which must be synchronous, with the members replaced. They are restored even if it throws. */
export function withPatches<T>(patches: readonly Patch[], call: () => T): T {
  const undo: (() => void)[] = [];
  try {
    for (const patch of patches) undo.push(apply(patch));
    return call();
  } finally {
    // In reverse order: a member may have been replaced twice.
    for (const restore of undo.reverse()) restore();
  }
}

function apply({ object, key, by }: Patch): () => void {
  const own = Object.getOwnPropertyDescriptor(object, key);
  if (own === undefined) {
    Object.defineProperty(object, key, { ...by, configurable: true });
    return () => void Reflect.deleteProperty(object, key);
  }
  // If it can't be configured (Bun's `crypto`), a value can still be written.
  const next = own.configurable ? { enumerable: own.enumerable!, configurable: true, ...by } : by;
  Object.defineProperty(object, key, next);
  return () => void Object.defineProperty(object, key, own);
}
