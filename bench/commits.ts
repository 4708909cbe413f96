/**
 * Measures commits in this process, slice by slice as the driver asks: the bare loop, one caller, or many at once.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { StateManager } from "../mod.ts";
import { detectFs } from "../runtime/detect.ts";
import { BatchEncoder } from "../src/format/encode.ts";
import { makeFloor } from "./floor.ts";
import { JOURNAL, readingAt, readings } from "./workload.ts";

/** What was done in one slice of time. */
export interface Slice {
  count: number;
  elapsedMs: number;
}

/** Works for a time and counts the lines made durable. */
type Work = (durationMs: number) => number | Promise<number>;

/** The mutation all of them write. */
const mutation = readingAt(123_456);

/**
 * Works through one slice for every line of standard input, which gives its duration in milliseconds, and answers
 * with a {@linkcode Slice}. So the driver can let contenders take turns within a tenth of a second: the speed of a
 * disk that others use too changes faster than a contender runs.
 *
 * @param callers how many loops of `apply` there are; 0 for the bare loop
 */
export async function serveSlices(directory: string, callers: number): Promise<{ served: number }> {
  const { work, end } = callers === 0
    ? await bareLoop(directory)
    : await applyLoops(directory, callers);
  let served = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const start = performance.now();
    const count = await work(Number(line));
    console.log(JSON.stringify({ count, elapsedMs: performance.now() - start } satisfies Slice));
    served++;
  }
  await end();
  return { served };
}

/** Write at a position and `fdatasync`, in a loop of synchronous calls. */
async function bareLoop(directory: string): Promise<{ work: Work; end: () => void }> {
  const { crc32 } = await detectFs();
  // As long as a line of a journal that has been written for a while.
  const line = new BatchEncoder(crc32).encode([JSON.stringify(mutation)], 12_345, Date.now(), 0);
  const step = makeFloor(`${directory}/floor`, line);
  const work = (durationMs: number) => {
    const end = performance.now() + durationMs;
    let count = 0;
    for (; performance.now() < end; count++) step();
    return count;
  };
  return { work, end: () => {} };
}

/** Loops, each of which awaits its own `apply` before the next. */
async function applyLoops(
  directory: string,
  callers: number,
): Promise<{ work: Work; end: () => Promise<void> }> {
  const manager = await StateManager.open(directory, JOURNAL, readings);
  const work = async (durationMs: number) => {
    const before = manager.sequence;
    const end = performance.now() + durationMs;
    const caller = async () => {
      while (performance.now() < end) await manager.apply(mutation);
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return manager.sequence - before;
  };
  return { work, end: () => manager.close() };
}
