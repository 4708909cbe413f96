/**
 * Replaces drafts by the parts of the state that they stand for, wherever a value holds them.
 *
 * @module
 */

/** A draft answers this key with the real object or array. */
export const REAL: unique symbol = Symbol("real");

/** The real object behind a draft; `undefined` for everything that is not a draft. */
export function realOf(value: object): object | undefined {
  return (value as { [REAL]?: object })[REAL];
}

/** The objects searched already, with what replaces them, so that cycles end. Most searches need no map. */
export interface Seen {
  objects: Map<object, object> | null;
}

/**
 * Returns `value` with every draft in it replaced. What a draft stands for is not searched: the state holds no drafts.
 * Objects are changed in place; those that can't be, because they are frozen, are replaced by frozen copies.
 *
 * @param seen the objects searched already; several values that are unwrapped together share it
 */
export function unwrap<T>(value: T, seen: Seen = { objects: null }): T {
  if (typeof value !== "object" || value === null) return value;
  const real = realOf(value);
  if (real !== undefined) return real as T;
  return search(value, seen) as T;
}

/**
 * What a mutator returned or threw, without drafts. It may be too deep to search, or refuse to be searched, as an error
 * does whose message throws (Node 20 reads it to show the stack): then it keeps its drafts, which can't be written to.
 */
export function unwrapGiven<V>(value: V, seen: Seen): V {
  try {
    return unwrap(value, seen);
  } catch {
    return value;
  }
}

/** Whether an object holds only primitives, as most of what mutators make does. In plain objects, only JSON counts. */
export function isFlat(value: object): boolean {
  if (Array.isArray(value)) return value.every(isPrimitive);
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  try {
    for (const key in value) {
      if (!isPrimitive((value as Record<string, unknown>)[key])) return false;
    }
  } catch {
    // A getter of the program.
    return false;
  }
  return true;
}

function see(seen: Seen, value: object, replacement = value): void {
  (seen.objects ??= new Map()).set(value, replacement);
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

function search(value: object, seen: Seen): object {
  if (isFlat(value)) return value;
  const replacement = seen.objects?.get(value);
  if (replacement !== undefined) return replacement;
  if (Array.isArray(value)) return searchArray(value, seen);
  if (value instanceof Map) return searchMap(value, seen);
  if (value instanceof Set) return searchSet(value, seen);
  // Their members are bytes, and there may be millions.
  if (ArrayBuffer.isView(value)) return value;
  return searchMembers(value, seen);
}

function searchArray(items: unknown[], seen: Seen): unknown[] {
  let found = items;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item !== "object" || item === null) continue;
    see(seen, items);
    const plain = unwrap(item, seen);
    if (plain === item) continue;
    if (found === items && Object.isFrozen(items)) found = items.slice();
    found[i] = plain;
  }
  if (found === items) return items;
  see(seen, items, found);
  return Object.freeze(found) as unknown[];
}

function searchMembers(value: object, seen: Seen): object {
  let found = value;
  // All members, because an error's `cause` is not enumerable.
  for (const key of Reflect.ownKeys(value)) {
    const member = Object.getOwnPropertyDescriptor(value, key)!;
    // A getter is code of the program, and running it here could do anything.
    if (typeof member.value !== "object" || member.value === null) continue;
    see(seen, value);
    const plain = unwrap(member.value, seen);
    if (plain === member.value) continue;
    const replaced = { ...member, value: plain };
    if (found === value && !Reflect.defineProperty(value, key, replaced)) found = thawed(value);
    if (found !== value) Reflect.defineProperty(found, key, { ...replaced, configurable: true });
  }
  if (found === value) return value;
  see(seen, value, found);
  return Object.freeze(found);
}

function thawed(value: object): object {
  const members = Object.entries(Object.getOwnPropertyDescriptors(value))
    .map(([key, member]) => [key, { ...member, configurable: true }]);
  return Object.create(Object.getPrototypeOf(value), Object.fromEntries(members));
}

function searchMap(map: Map<unknown, unknown>, seen: Seen): Map<unknown, unknown> {
  see(seen, map);
  const entries = [...map];
  const plain = entries.map(([key, value]) => [unwrap(key, seen), unwrap(value, seen)] as const);
  if (plain.some(([key, value], i) => key !== entries[i]![0] || value !== entries[i]![1])) {
    map.clear();
    for (const [key, value] of plain) map.set(key, value);
  }
  return map;
}

function searchSet(set: Set<unknown>, seen: Seen): Set<unknown> {
  see(seen, set);
  const values = [...set];
  const plain = values.map((value) => unwrap(value, seen));
  if (plain.some((value, i) => value !== values[i])) {
    set.clear();
    for (const value of plain) set.add(value);
  }
  return set;
}
