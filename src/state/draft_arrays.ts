/**
 * The methods of arrays for drafts: each runs once on the real array, instead of through a trap for each item.
 *
 * @module
 */

import { realOf } from "./draft_unwrap.ts";
import {
  cutToLength,
  putAll,
  putFirst,
  putLast,
  reverseAgain,
  takeFirst,
  type UndoLog,
  unsplice,
} from "./undo_log.ts";

/** A draft of an array answers this key with the array and its tracker: one trap for the two of them. */
export const TRACKED: unique symbol = Symbol("tracked");

/** What the methods need of the draft that an array belongs to. */
export interface Tracker {
  /**
   * The log, for a change of `target`.
   *
   * @throws {TypeError} when the call has ended, or nothing could put back what is taken from `target`
   */
  logFor(target: object): UndoLog;
  /** The draft of an object or array of the state; anything else unchanged. */
  wrap<T>(value: T): T;
  /** What to store in the state for a value that the mutator assigns. */
  store(value: unknown): unknown;
}

/** A draft of an array, as its methods see it. */
interface ArrayDraft {
  [TRACKED]: { tracker: Tracker; array: unknown[] };
}

/** Callback of `find`, `map` and the like. */
type Callback = (item: unknown, index: number, items: unknown) => unknown;

const changing = {
  push(this: ArrayDraft, ...items: unknown[]): number {
    const { tracker, array } = this[TRACKED];
    const log = tracker.logFor(array);
    const length = array.length;
    for (const item of items) array.push(tracker.store(item));
    log.change(array, cutToLength, length);
    return array.length;
  },
  pop(this: ArrayDraft): unknown {
    const { tracker, array } = this[TRACKED];
    const log = tracker.logFor(array);
    if (array.length === 0) return undefined;
    const item = array.pop();
    log.change(array, putLast, item);
    return tracker.wrap(item);
  },
  shift(this: ArrayDraft): unknown {
    const { tracker, array } = this[TRACKED];
    const log = tracker.logFor(array);
    if (array.length === 0) return undefined;
    const item = array.shift();
    log.change(array, putFirst, item);
    return tracker.wrap(item);
  },
  unshift(this: ArrayDraft, ...items: unknown[]): number {
    const { tracker, array } = this[TRACKED];
    const log = tracker.logFor(array);
    const length = array.unshift(...items.map((item) => tracker.store(item)));
    log.change(array, takeFirst, items.length);
    return length;
  },
  splice(this: ArrayDraft, ...args: [number, number, ...unknown[]]): unknown[] {
    const { tracker, array } = this[TRACKED];
    const log = tracker.logFor(array);
    const items = args.slice(2).map((item) => tracker.store(item));
    const start = placeOf(args[0], array.length);
    // `splice(start)` removes all that follows; `splice(start, undefined)` removes nothing.
    const removed = args.length < 2
      ? array.splice(start, args.length === 0 ? 0 : array.length)
      : array.splice(start, args[1], ...items);
    log.change(array, unsplice, { start, inserted: items.length, removed });
    return removed.map((item) => tracker.wrap(item));
  },
  reverse(this: ArrayDraft): unknown {
    const { tracker, array } = this[TRACKED];
    const log = tracker.logFor(array);
    array.reverse();
    log.change(array, reverseAgain, undefined);
    return this;
  },
  sort(this: ArrayDraft, compare?: (a: unknown, b: unknown) => number): unknown {
    const { tracker, array } = this[TRACKED];
    const log = tracker.logFor(array);
    if (compare === undefined) {
      log.change(array, putAll, array.slice());
      array.sort();
      return this;
    }
    // It compares drafts, so that it can't change the state untracked.
    const sorted = array.map((item) => tracker.wrap(item)).sort(compare);
    log.change(array, putAll, array.slice());
    sorted.forEach((item, i) => array[i] = real(item));
    return this;
  },
  fill(this: ArrayDraft, value: unknown, ...range: [number?, number?]): unknown {
    const { tracker, array } = this[TRACKED];
    tracker.logFor(array).change(array, putAll, array.slice());
    array.fill(tracker.store(value), ...range);
    return this;
  },
  copyWithin(this: ArrayDraft, ...places: [number, number, number?]): unknown {
    const { tracker, array } = this[TRACKED];
    tracker.logFor(array).change(array, putAll, array.slice());
    array.copyWithin(...places);
    return this;
  },
};

/** The state holds real objects, so these look for the real one. */
const searching = {
  indexOf(this: ArrayDraft, item: unknown, ...from: [number?]): number {
    return this[TRACKED].array.indexOf(real(item), ...from);
  },
  lastIndexOf(this: ArrayDraft, item: unknown, ...from: [number]): number {
    return this[TRACKED].array.lastIndexOf(real(item), ...from);
  },
  includes(this: ArrayDraft, item: unknown, ...from: [number?]): boolean {
    return this[TRACKED].array.includes(real(item), ...from);
  },
};

/** `slice` and the methods with a callback, which gets drafts. `find` and the like also return drafts. */
const visiting = {
  slice(this: ArrayDraft, ...range: [number?, number?]): unknown[] {
    const { tracker, array } = this[TRACKED];
    return array.slice(...range).map((item) => tracker.wrap(item));
  },
  filter(this: ArrayDraft, callback: Callback, self?: unknown): unknown[] {
    const { tracker, array } = this[TRACKED];
    return array.filter(visitor(this, callback, self)).map((item) => tracker.wrap(item));
  },
  find(this: ArrayDraft, callback: Callback, self?: unknown): unknown {
    const { tracker, array } = this[TRACKED];
    return tracker.wrap(array.find(visitor(this, callback, self)));
  },
  findLast(this: ArrayDraft, callback: Callback, self?: unknown): unknown {
    const { tracker, array } = this[TRACKED];
    return tracker.wrap(array.findLast(visitor(this, callback, self)));
  },
  findIndex(this: ArrayDraft, callback: Callback, self?: unknown): number {
    return this[TRACKED].array.findIndex(visitor(this, callback, self));
  },
  findLastIndex(this: ArrayDraft, callback: Callback, self?: unknown): number {
    return this[TRACKED].array.findLastIndex(visitor(this, callback, self));
  },
  some(this: ArrayDraft, callback: Callback, self?: unknown): boolean {
    return this[TRACKED].array.some(visitor(this, callback, self));
  },
  every(this: ArrayDraft, callback: Callback, self?: unknown): boolean {
    return this[TRACKED].array.every(visitor(this, callback, self));
  },
  map(this: ArrayDraft, callback: Callback, self?: unknown): unknown[] {
    return this[TRACKED].array.map(visitor(this, callback, self));
  },
  forEach(this: ArrayDraft, callback: Callback, self?: unknown): void {
    this[TRACKED].array.forEach(visitor(this, callback, self));
  },
};

/** The replacement for each native method, if `this` is the draft of an array. */
export const arrayMethods: ReadonlyMap<unknown, unknown> = new Map(
  Object.entries({ ...changing, ...searching, ...visiting })
    .map(([name, method]) => [Array.prototype[name as keyof unknown[]], method]),
);

function visitor(draft: ArrayDraft, callback: Callback, self: unknown): Callback {
  const { tracker } = draft[TRACKED];
  // Not a function: let the native method report that.
  if (typeof callback !== "function") return callback;
  return (item, index) => callback.call(self, tracker.wrap(item), index, draft);
}

/** The real object of a draft; anything else unchanged. */
function real(value: unknown): unknown {
  return typeof value === "object" && value !== null ? realOf(value) ?? value : value;
}

/** Where `splice` begins, by the rules of the language. */
function placeOf(start: number, length: number): number {
  const whole = Math.trunc(start) || 0;
  return whole < 0 ? Math.max(length + whole, 0) : Math.min(whole, length);
}
