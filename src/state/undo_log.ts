/**
 * Records what a mutator overwrites in the state, and puts it back.
 *
 * @module
 */

import { setMember } from "../format/set_member.ts";

/** An object or array of the state. */
export type Container = Record<PropertyKey, unknown>;

/** The value recorded for a member that was not there. */
export const ABSENT: unique symbol = Symbol("absent");

/** Takes back one change of `target`; `was` is what it needs to know about the state before the change. */
export type Inverse = (target: never, was: never) => void;

/** One change, in a list: most calls make one or two, and an array would make room for many. */
interface Step {
  target: object;
  /** The member that was changed, or what takes the change back. */
  key: PropertyKey | Inverse;
  was: unknown;
  before: Step | null;
}

/** The changes of one call, in order. */
export class UndoLog {
  #latest: Step | null = null;
  #size = 0;

  /** Records that `target[key]` was `was` until now. */
  member(target: object, key: PropertyKey, was: unknown): void {
    this.#latest = { target, key, was, before: this.#latest };
    this.#size++;
  }

  /** Records a change that `inverse` takes back. */
  change<T extends object, W>(target: T, inverse: (target: T, was: W) => void, was: W): void {
    this.#latest = { target, key: inverse as Inverse, was, before: this.#latest };
    this.#size++;
  }

  /** How many changes there were. */
  get size(): number {
    return this.#size;
  }

  /** Takes back every change, the latest first: each inverse finds its target as its change left it. */
  undo(): void {
    for (let step = this.#latest; step !== null; step = step.before) {
      const { key, was } = step;
      const target = step.target as Container;
      if (typeof key === "function") key(target as never, was as never);
      else if (was === ABSENT) delete target[key];
      else setMember(target, key as string, was);
    }
    this.#latest = null;
  }
}

/** Inverse of a change that only made an array longer. */
export function cutToLength(target: unknown[], length: number): void {
  target.length = length;
}

/** Inverse of `pop`. */
export function putLast(target: unknown[], item: unknown): void {
  target.push(item);
}

/** Inverse of `shift`. */
export function putFirst(target: unknown[], item: unknown): void {
  target.unshift(item);
}

/** Inverse of `unshift`. */
export function takeFirst(target: unknown[], count: number): void {
  target.splice(0, count);
}

/** Inverse of `reverse`. */
export function reverseAgain(target: unknown[]): void {
  target.reverse();
}

/** Inverse of `splice`: where it began, how many items it inserted, which ones it removed. */
export function unsplice(
  target: unknown[],
  { start, inserted, removed }: { start: number; inserted: number; removed: unknown[] },
): void {
  const after = target.slice(start + inserted);
  target.length = start;
  // One by one, because an engine passes only so many arguments to a call.
  for (const item of removed) target.push(item);
  for (const item of after) target.push(item);
}

/** Inverse of a change that may have moved or replaced every item: all items as they were. */
export function putAll(target: unknown[], items: unknown[]): void {
  items.forEach((item, i) => target[i] = item);
  target.length = items.length;
}

/** Assigns to the `length` of an array. */
export function setLength(target: unknown[], length: number, log: UndoLog): void {
  if (length === target.length) return;
  const was = target.length;
  const cut = target.slice(length);
  target.length = length;
  log.change(target, lengthen, { length: was, cut });
}

/** Inverse of that: the items it cut off, or none, and the length before. */
function lengthen(
  target: unknown[],
  { length, cut }: { length: number; cut: unknown[] },
): void {
  target.length = length - cut.length;
  for (const item of cut) target.push(item);
}

/** Inverse of deleting `key` from an object whose members had this order. */
export function putBetween(
  target: Container,
  { key, was, order }: { key: string; was: unknown; order: string[] },
): void {
  setMember(target, key, was);
  // A new member is the last one, so all that came after it must be set again.
  for (const later of order.slice(order.indexOf(key) + 1)) {
    const value = target[later];
    delete target[later];
    setMember(target, later, value);
  }
}
