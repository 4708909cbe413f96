/**
 * Measures commits in this process, slice by slice as the driver asks.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { fillStore, type Manner, workOf } from "./callers.ts";
import type { Contender, Store } from "../contenders/contender.ts";

/** What was done in one slice of time. */
export interface Slice {
  count: number;
  elapsedMs: number;
}

/** What a child says before its first slice. */
export type Greeting = { ready: true } | { unavailable: string };

/**
 * Opens a contender and fills it, then works through one slice for every line of standard input, which gives its duration in
 * milliseconds, and answers with a {@linkcode Slice}. So the driver can let contenders take turns within a tenth of a
 * second: the speed of a disk that others use too changes faster than a contender runs.
 */
export async function serveSlices(module: string, directory: string, manner: Manner) {
  let store: Store;
  try {
    const { contender }: { contender: Contender } = await import(`../contenders/${module}.ts`);
    store = await contender.open(directory);
    await fillStore(store, manner.keys);
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
