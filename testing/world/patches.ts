/**
 * Replaces members of objects while a function runs, and puts every one of them back.
 *
 * @module
 */

/** A member, and what stands in for it. */
export interface Patch {
  readonly object: object;
  readonly key: PropertyKey;
  /** A value, or a getter. */
  readonly by: { value: unknown } | { get(this: unknown): unknown };
}

/** Replaces a member by a value, which is a function mostly. */
export function value(object: object, key: PropertyKey, value: unknown): Patch {
  return { object, key, by: { value } };
}

/** Replaces a member by what a function gives. */
export function getter(object: object, key: PropertyKey, get: (this: unknown) => unknown): Patch {
  return { object, key, by: { get } };
}

/** Runs `call`, which must not wait for anything, with the members replaced. They are put back when it throws, too. */
export function withPatches<T>(patches: readonly Patch[], call: () => T): T {
  const undo: (() => void)[] = [];
  try {
    for (const patch of patches) undo.push(apply(patch));
    return call();
  } finally {
    // From the last to the first: a member may have been replaced twice.
    for (const restore of undo.reverse()) restore();
  }
}

function apply({ object, key, by }: Patch): () => void {
  const own = Object.getOwnPropertyDescriptor(object, key);
  if (own === undefined) {
    Object.defineProperty(object, key, { ...by, configurable: true });
    return () => void Reflect.deleteProperty(object, key);
  }
  // Where it can't be configured (Bun's `crypto`), a value can still be written.
  const next = own.configurable ? { enumerable: own.enumerable!, configurable: true, ...by } : by;
  Object.defineProperty(object, key, next);
  return () => void Object.defineProperty(object, key, own);
}
