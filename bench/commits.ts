/**
 * Measures commits in this process, slice by slice as the driver asks: by one caller, by many at once, or in batches.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import type { Contender, Store } from "./contender.ts";
import { COMMIT_KEY_COUNT, type Reading, readingAt } from "./workload.ts";

/** How commits are asked for. */
export interface Manner {
  /** How many callers wait at once. */
  callers: number;
  /** Whether one loop gives what all of them want to one `commitMany`, without callers. */
  byHand: boolean;
}

/** What was done in one slice of time. */
export interface Slice {
  count: number;
  elapsedMs: number;
}

/** What a child says before its first slice. */
export type Greeting = { ready: true } | { unavailable: string };

/** Each key has a different value every time: SQLite writes and syncs nothing when what it is given is there already. */
const some: Reading[] = Array.from(
  { length: COMMIT_KEY_COUNT * 10 },
  (_, i) => readingAt(i, COMMIT_KEY_COUNT),
);

/**
 * Opens a contender, then works through one slice for every line of standard input, which gives its duration in
 * milliseconds, and answers with a {@linkcode Slice}. So the driver can let contenders take turns within a tenth of a
 * second: the speed of a disk that others use too changes faster than a contender runs.
 */
export async function serveSlices(module: string, directory: string, manner: Manner) {
  let store: Store;
  try {
    const { contender }: { contender: Contender } = await import(`./${module}.ts`);
    store = await contender.open(directory);
  } catch (error) {
    say({ unavailable: String(error).split("\n")[0]! });
    process.exit();
  }
  say({ ready: true });
  const work = workOf(store, manner);
  for await (const line of createInterface({ input: process.stdin })) {
    const start = performance.now();
    const count = await work(start + Number(line));
    say({ count, elapsedMs: performance.now() - start });
  }
  await store.close();
  // Some leave a timer or a thread behind.
  process.exit();
}

function say(words: Greeting | Slice): void {
  console.log(JSON.stringify(words));
}

/** Works until a time and counts the readings made durable. */
type Work = (end: number) => Promise<number>;

function workOf(store: Store, { callers, byHand }: Manner): Work {
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
        // Alone, a call that has already happened is not waited for. Others have to get their turn.
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
