/**
 * Commits to a store: every key once, then until a time, by one caller, by many at once, or in batches.
 *
 * @module
 */

import type { Store } from "../contenders/contender.ts";
import { type Reading, readingAt } from "../support/workload.ts";

/** How commits are asked for. */
export interface Manner {
  /** How many callers wait at once. */
  callers: number;
  /** Whether one loop gives what all of them want to one `commitMany`, without callers. */
  byHand: boolean;
  /** How many keys they write to in turn. */
  keys: number;
}

/** How many keys are written at once when a store is filled. */
const FILLED_AT_ONCE = 1000;
/** How many values each key gets before they repeat. */
const VALUES = 10;

/**
 * Writes every key once, so that the store is as large from the first commit as it is at the last; with other values
 * than the work will write, of which SQLite would write none that is there already.
 */
export async function fillStore(store: Store, keys: number): Promise<void> {
  for (let from = 0; from < keys; from += FILLED_AT_ONCE) {
    const first = keys * VALUES + from;
    const some = readingsFrom(first, Math.min(FILLED_AT_ONCE, keys - from), keys);
    if (store.commitMany === undefined) await Promise.all(some.map((each) => store.commit(each)));
    else await store.commitMany(some);
  }
}

/** Works until a time, but every caller at least once, and counts the readings made durable. */
export type Work = (end: number) => Promise<number>;

/** Work on a store in one manner. */
export function workOf(store: Store, { callers, byHand, keys }: Manner): Work {
  // Each key has a different value every time.
  const some = readingsFrom(0, keys * VALUES, keys);
  return byHand ? batches(store, some, callers) : loops(store, some, callers);
}

function readingsFrom(first: number, count: number, keys: number): Reading[] {
  return Array.from({ length: count }, (_, i) => readingAt(first + i, keys));
}

/** Loops, each of which waits for its own commit before the next. */
function loops(store: Store, some: Reading[], callers: number): Work {
  let next = 0;
  return async (end) => {
    let count = 0;
    const caller = async () => {
      do {
        const done = store.commit(some[next++ % some.length]!);
        // A lone caller doesn't wait for a call that completed synchronously. With several, others must get their turn.
        if (done !== undefined || callers > 1) await done;
        count++;
      } while (performance.now() < end);
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return count;
  };
}

/** One loop that hands over as many readings at a time as there would be callers. */
function batches(store: Store, some: Reading[], size: number): Work {
  let next = 0;
  return async (end) => {
    let count = 0;
    do {
      const done = store.commitMany!(
        Array.from({ length: size }, () => some[next++ % some.length]!),
      );
      if (done !== undefined) await done;
      count += size;
    } while (performance.now() < end);
    return count;
  };
}
