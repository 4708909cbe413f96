/**
 * Measures what reading the state costs while nobody writes, and while callers do.
 *
 * @module
 */

import { StateManager } from "../../mod.ts";
import { quantile } from "../support/stats.ts";
import { JOURNAL, KEY_COUNT, readingAt, readings } from "../support/workload.ts";

/** What a read took, in nanoseconds: the median over all slices of reads. */
export interface Reads {
  alone: number;
  besideWriter: number;
  /** How many mutations were acknowledged meanwhile. */
  commits: number;
}

/** Reads in one go, between two turns of the event loop. */
const SLICE = 20_000;
const CALLERS = 64;

/** Reads for `durationMs` without a writer and as long with 64 callers, in turns of a tenth of it. */
export async function measureReads(directory: string, durationMs: number): Promise<Reads> {
  const manager = await StateManager.open(directory, JOURNAL, readings);
  await manager.applyAll(Array.from({ length: KEY_COUNT }, (_, i) => readingAt(i)));
  const keys = Object.keys(manager.state);
  let sum = 0;
  const readFor = async (milliseconds: number, took: number[]) => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      const start = performance.now();
      for (let i = 0; i < SLICE; i++) sum += manager.state[keys[i * 7 % KEY_COUNT]!]!.value;
      took.push((performance.now() - start) / SLICE * 1e6);
      // A timer, so that callers and the disk get their turns.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  const alone: number[] = [];
  const beside: number[] = [];
  await readFor(durationMs / 4, []);
  const before = manager.sequence;
  for (let turn = 0; turn < 10; turn++) {
    await readFor(durationMs / 10, alone);
    let over = false;
    const caller = async () => {
      for (let i = 0; !over; i++) await manager.apply(readingAt(i));
    };
    const callers = Promise.all(Array.from({ length: CALLERS }, caller));
    await readFor(durationMs / 10, beside);
    over = true;
    await callers;
  }
  const commits = manager.sequence - before;
  await manager.close();
  // Used, so that no compiler leaves the reads out.
  if (!Number.isFinite(sum)) throw new Error("The readings are not numbers");
  return { alone: quantile(alone, 0.5), besideWriter: quantile(beside, 0.5), commits };
}
