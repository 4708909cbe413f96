/**
 * Measures how late timers are in this process while commits wait for a slow disk, and while there are none.
 *
 * @module
 */

import process from "node:process";
import { type DurableFs, StateManager } from "../mod.ts";
import { detectFs } from "../runtime/detect.ts";
import { JOURNAL, readingAt, readings } from "./workload.ts";
import { quantile } from "./stats.ts";

/** How late a timer of one millisecond was, in milliseconds. */
export interface Delay {
  p50: number;
  p99: number;
  max: number;
  /**
   * The most of a delay that this process can have caused by computing: a delay during which it used no processor
   * was somebody else's. It leaves out calls that wait for the disk at once, of which there are none while syncs are slow.
   */
  ownMax: number;
  /** How many times the timer ran. */
  turns: number;
  /** How many mutations were acknowledged meanwhile. */
  commits: number;
}

/** Mutations before anything is measured: until compilers and collectors have seen the work. */
const WARM_UP_COUNT = 20_000;
const WARM_UP_MS = 500;

/** A file system whose syncs take `syncMs`, as on a worn SD card, without holding the event loop. */
export function withSlowSyncs(inner: DurableFs, syncMs: number): DurableFs {
  // Nothing is synced afterwards: that would add the delays of the disk underneath, which are not asked about.
  const sync = () => new Promise<void>((resolve) => setTimeout(resolve, syncMs));
  return {
    ...inner,
    async open(path, mode) {
      const file = await inner.open(path, mode);
      return {
        read: (buffer, offset) => file.read(buffer, offset),
        write: (buffer, offset) => file.write(buffer, offset),
        syncData: sync,
        syncAll: sync,
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
 * @param syncMs how long each sync takes; 0 for the disk as it is
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
  const group = Array.from({ length: WARM_UP_COUNT / 4 }, (_, i) => readingAt(i));
  for (let i = 0; i < 4; i++) await manager.applyAll(group);
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
    p50: quantile(late.all, 0.5),
    p99: quantile(late.all, 0.99),
    max: quantile(late.all, 1),
    ownMax: quantile(late.own, 1),
    turns: late.all.length,
    commits,
  };
}

/** How late each turn of a timer was, and how much of that this process can have caused. */
interface Lateness {
  all: number[];
  own: number[];
}

/** A chain of timers of one millisecond. */
function runTimer(durationMs: number): Promise<Lateness> {
  return new Promise((resolve) => {
    const late: Lateness = { all: [], own: [] };
    const end = performance.now() + durationMs;
    let last = performance.now();
    let busyBefore = busyMs();
    const turn = () => {
      const now = performance.now();
      const busy = busyMs();
      const lateness = Math.max(0, now - last - 1);
      late.all.push(lateness);
      late.own.push(Math.min(lateness, busy - busyBefore));
      if (now >= end) return resolve(late);
      last = now;
      busyBefore = busy;
      setTimeout(turn, 1);
    };
    setTimeout(turn, 1);
  });
}

/** How long this process has been computing, in all its threads. */
function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
