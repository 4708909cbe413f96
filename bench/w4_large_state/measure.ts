/**
 * Measures a state of very many keys: opening it from a snapshot, and how the next snapshot affects callers.
 *
 * @module
 */

import fs from "node:fs";
import { StateManager } from "../../mod.ts";
import { detectFs } from "../../runtime/detect.ts";
import { runTimer } from "../support/loop_delay.ts";
import { readMemory } from "../support/memory.ts";
import { type Opening, readText, sizeOf, withoutSyncs } from "../w3_opening/measure.ts";
import { quantile } from "../support/stats.ts";
import { JOURNAL, readingAt, type Readings, readings } from "../support/workload.ts";

/** What a caller noticed of a snapshot that was made beside it. Times in milliseconds. */
export interface Beside {
  /** How long making the snapshot took. */
  elapsedMs: number;
  /** The 99 % quantile of commits before, and during it. */
  usualP99: number;
  p99: number;
  /** The longest turn of the event loop before, and during it, and how much CPU time of that was this process's. */
  usualStallMax: number;
  stallMax: number;
  ownStallMax: number;
  commits: number;
  peak: number;
}

const GROUP_SIZE = 10_000;
/** How long commits are made before the snapshot begins. */
const USUAL_MS = 3000;

/** What the floor parses: the state as one JSON object. */
const OBJECT = "one_object.json";

/** Makes a state of `count` keys, with a snapshot of it and nothing after that. */
export async function generateLarge(directory: string, count: number): Promise<{ size: number }> {
  const manager = await StateManager.open(directory, JOURNAL, readings, {
    compaction: "manual",
    fs: withoutSyncs(await detectFs()),
  });
  for (let i = 0; i < count; i += GROUP_SIZE) {
    const size = Math.min(GROUP_SIZE, count - i);
    await manager.applyAll(Array.from({ length: size }, (_, k) => readingAt(i + k, count)));
  }
  await manager.createSnapshot();
  fs.writeFileSync(`${directory}/${OBJECT}`, JSON.stringify(manager.state));
  await manager.close();
  return { size: sizeOf(directory, ".snapshot.") };
}

/** Opens it and reports time and memory before anything else happens. */
export async function measureOpenLarge(directory: string, count: number): Promise<Opening> {
  const start = performance.now();
  const manager = await StateManager.open(directory, JOURNAL, readings, { compaction: "manual" });
  const elapsedMs = performance.now() - start;
  const memory = await readMemory();
  const { replayed, snapshot } = manager.recovery;
  refuseOther(manager.state, count);
  if (snapshot === null || replayed > 0) {
    throw new Error("Something other than the snapshot was opened");
  }
  await manager.close();
  return { ...memory, elapsedMs, replayed };
}

/** The floor: the same state from a file that holds it as one JSON object. It checks nothing. */
export function measureParsing(directory: string, count: number): { elapsedMs: number } {
  const start = performance.now();
  const state: Readings = JSON.parse(readText(`${directory}/${OBJECT}`));
  const elapsedMs = performance.now() - start;
  refuseOther(state, count);
  return { elapsedMs };
}

function refuseOther(state: object, count: number): void {
  if (Object.keys(state).length !== count) throw new Error("The state is not what was kept");
}

/** Makes a snapshot while one caller keeps committing. */
export async function measureSnapshotBeside(directory: string, count: number): Promise<Beside> {
  const manager = await StateManager.open(directory, JOURNAL, readings, { compaction: "manual" });
  let latencies: number[] = [];
  let over = false;
  const caller = (async () => {
    for (let i = 0; !over; i++) {
      const start = performance.now();
      await manager.apply(readingAt(i, count));
      latencies.push(performance.now() - start);
    }
  })();
  const usual = await runTimer(new Promise((resolve) => setTimeout(resolve, USUAL_MS)));
  const usualP99 = quantile(latencies, 0.99);
  latencies = [];
  const start = performance.now();
  const made = manager.createSnapshot();
  const late = await runTimer(made);
  const elapsedMs = performance.now() - start;
  over = true;
  await caller;
  const { peak } = await readMemory();
  const beside = {
    elapsedMs,
    usualP99,
    p99: quantile(latencies, 0.99),
    usualStallMax: quantile(usual.all, 1),
    stallMax: quantile(late.all, 1),
    ownStallMax: quantile(late.own, 1),
    commits: latencies.length,
    peak,
  };
  await manager.close();
  return beside;
}
