/**
 * Commits to a store until a time: by one caller, by many at once, or in batches.
 *
 * @module
 */

import type { Store } from "../contenders/contender.ts";
import { COMMIT_KEY_COUNT, type Reading, readingAt } from "../support/workload.ts";

/** How commits are asked for. */
export interface Manner {
  /** How many callers wait at once. */
  callers: number;
  /** Whether one loop gives what all of them want to one `commitMany`, without callers. */
  byHand: boolean;
}

/** Each key has a different value every time: SQLite writes and syncs nothing when what it is given is there already. */
const some: Reading[] = Array.from(
  { length: COMMIT_KEY_COUNT * 10 },
  (_, i) => readingAt(i, COMMIT_KEY_COUNT),
);

/** Works until a time and counts the readings made durable. */
export type Work = (end: number) => Promise<number>;

/** Work on a store in one manner. */
export function workOf(store: Store, { callers, byHand }: Manner): Work {
  return byHand ? batches(store, callers) : loops(store, callers);
}

/** Loops, each of which waits for its own commit before the next. */
function loops(store: Store, callers: number): Work {
  let next = 0;
  return async (end) => {
    let count = 0;
    const caller = async () => {
      while (performance.now() < end) {
        const done = store.commit(some[next++ % some.length]!);
        // A lone caller doesn't wait for a call that completed synchronously. With several, others must get their turn.
        if (done !== undefined || callers > 1) await done;
        count++;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return count;
  };
}

/** One loop that hands over as many readings at a time as there would be callers. */
function batches(store: Store, size: number): Work {
  let next = 0;
  return async (end) => {
    let count = 0;
    while (performance.now() < end) {
      const done = store.commitMany!(
        Array.from({ length: size }, () => some[next++ % some.length]!),
      );
      if (done !== undefined) await done;
      count += size;
    }
    return count;
  };
}
