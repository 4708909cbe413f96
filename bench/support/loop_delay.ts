/**
 * Measures how late timers are in this process: how long the event loop was blocked.
 *
 * @module
 */

import process from "node:process";

/** How late each turn of a timer was in milliseconds, and how much of that this process can have caused. */
export interface Lateness {
  all: number[];
  /**
   * The most of each delay that this process can have caused by computing: a delay during which it used no processor
   * went to another process, or to waiting for the disk.
   */
  own: number[];
}

/** Runs a chain of timers of one millisecond until something has happened. */
export async function runTimer(until: Promise<unknown>): Promise<Lateness> {
  const late: Lateness = { all: [], own: [] };
  let last = performance.now();
  let busyBefore = busyMs();
  let timer: ReturnType<typeof setTimeout>;
  const turn = () => {
    const now = performance.now();
    const busy = busyMs();
    const lateness = Math.max(0, now - last - 1);
    late.all.push(lateness);
    late.own.push(Math.min(lateness, busy - busyBefore));
    last = now;
    busyBefore = busy;
    timer = setTimeout(turn, 1);
  };
  timer = setTimeout(turn, 1);
  try {
    await until;
  } finally {
    clearTimeout(timer);
  }
  return late;
}

/** How long this process has been computing, in all its threads. */
function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
