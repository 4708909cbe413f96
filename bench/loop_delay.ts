/**
 * Measures how late timers are in this process while commits wait for a slow disk, and while there are none.
 *
 * @module
 */

import { type DurableFs, StateManager } from "../mod.ts";
import { detectFs } from "../runtime/detect.ts";
import { JOURNAL, readingAt, readings } from "./workload.ts";
import { quantile } from "./stats.ts";

/** How late a timer of one millisecond was, in milliseconds. */
export interface Delay {
  p50: number;
  p99: number;
  max: number;
  /** How many times the timer ran. */
  turns: number;
  /** How many mutations were acknowledged meanwhile. */
  commits: number;
}

/** Until compilers and collectors have seen the work. */
const WARM_UP_MS = 500;

/** A file system whose syncs take `syncMs` longer, as on a worn SD card, without holding the event loop. */
export function withSlowSyncs(inner: DurableFs, syncMs: number): DurableFs {
  const late = async (sync: () => unknown) => {
    await new Promise((resolve) => setTimeout(resolve, syncMs));
    await sync();
  };
  return {
    ...inner,
    async open(path, mode) {
      const file = await inner.open(path, mode);
      return {
        read: (buffer, offset) => file.read(buffer, offset),
        write: (buffer, offset) => file.write(buffer, offset),
        syncData: () => late(() => file.syncData()),
        syncAll: () => late(() => file.syncAll()),
        truncate: (size) => file.truncate(size),
        size: () => file.size(),
        close: () => file.close(),
      };
    },
  };
}

/**
 * Runs the timer for `durationMs`.
 *
 * @param callers how many loops of `apply` run beside it; 0 for none
 * @param syncMs how much longer each sync takes; 0 for the disk as it is
 */
export async function measureDelay(
  directory: string,
  durationMs: number,
  callers: number,
  syncMs: number,
): Promise<Delay> {
  const real = await detectFs();
  const fs = syncMs === 0 ? real : withSlowSyncs(real, syncMs);
  const manager = await StateManager.open(directory, JOURNAL, readings, { fs });
  let over = false;
  const caller = async () => {
    for (let i = 0; !over; i++) await manager.apply(readingAt(i));
  };
  const callersDone = Promise.all(Array.from({ length: callers }, caller));
  await runTimer(WARM_UP_MS);
  const before = manager.sequence;
  const late = await runTimer(durationMs);
  const commits = manager.sequence - before;
  over = true;
  await callersDone;
  await manager.close();
  return {
    p50: quantile(late, 0.5),
    p99: quantile(late, 0.99),
    max: quantile(late, 1),
    turns: late.length,
    commits,
  };
}

/** A chain of timers of one millisecond; returns how late each was. */
function runTimer(durationMs: number): Promise<number[]> {
  return new Promise((resolve) => {
    const late: number[] = [];
    const end = performance.now() + durationMs;
    let last = performance.now();
    const turn = () => {
      const now = performance.now();
      late.push(Math.max(0, now - last - 1));
      if (now >= end) return resolve(late);
      last = now;
      setTimeout(turn, 1);
    };
    setTimeout(turn, 1);
  });
}
