/**
 * Measures how long a long journal takes to open, and how much memory that needs above the state itself.
 *
 * @module
 */

import fs from "node:fs";
import { type DurableFs, StateManager } from "../../mod.ts";
import { detectFs } from "../../runtime/detect.ts";
import type { Contender } from "../contenders/contender.ts";
import { type Memory, readMemory } from "../support/memory.ts";
import {
  JOURNAL,
  KEY_COUNT,
  type Reading,
  readingAt,
  type Readings,
  readings,
} from "../support/workload.ts";

/** How many mutations a peer is given in one transaction. */
const LOG_BATCH = 10_000;

/** What opening took. */
export interface Opening extends Memory {
  elapsedMs: number;
  replayed: number;
}

/** Writes a journal of `count` records in batches of `perBatch` and closes it cleanly. */
export async function generate(
  directory: string,
  count: number,
  perBatch: number,
): Promise<{ size: number }> {
  const manager = await StateManager.open(directory, JOURNAL, readings, {
    compaction: "manual",
    fs: withoutSyncs(await detectFs()),
  });
  for (let i = 0; i < count; i += perBatch) {
    const group = Array.from({ length: Math.min(perBatch, count - i) }, (_, k) => readingAt(i + k));
    await manager.applyAll(group);
  }
  await manager.close();
  return { size: sizeOf(directory, "") };
}

/** The total size in bytes of the files whose names contain `part`. */
export function sizeOf(directory: string, part: string): number {
  return fs.readdirSync(directory)
    .filter((name) => name.includes(part))
    .reduce((sum, name) => sum + fs.statSync(`${directory}/${name}`).size, 0);
}

/** Preparing the journal is not measured, so it need not wait for the disk; the bytes are the same. */
export function withoutSyncs(inner: DurableFs): DurableFs {
  return {
    ...inner,
    async open(path, mode) {
      const file = await inner.open(path, mode);
      const fd = fs.openSync(path, "r+");
      return {
        read: (buffer, offset) => file.read(buffer, offset),
        write: (buffer, offset) => fs.writeSync(fd, buffer, 0, buffer.length, offset),
        syncData: () => {},
        syncAll: () => {},
        truncate: (size) => file.truncate(size),
        size: () => file.size(),
        identity: () => file.identity(),
        close() {
          fs.closeSync(fd);
          return file.close();
        },
      };
    },
  };
}

/** Opens the journal and reports time and memory before anything else happens. */
export async function measureOpen(directory: string): Promise<Opening> {
  const start = performance.now();
  const manager = await StateManager.open(directory, JOURNAL, readings, { compaction: "manual" });
  const elapsedMs = performance.now() - start;
  const memory = await readMemory();
  const { replayed } = manager.recovery;
  if (Object.keys(manager.state).length !== Math.min(KEY_COUNT, replayed)) {
    throw new Error("The state is not what was journaled");
  }
  await manager.close();
  return { ...memory, elapsedMs, replayed };
}

/**
 * Holds the same state without having opened anything: what is left of `measureOpen` above this is the price of
 * opening. Each value is parsed on its own, as recovery does, so that the objects have the same form in memory.
 */
export async function measureState(count: number): Promise<Memory> {
  const state: Readings = {};
  for (let i = Math.max(0, count - KEY_COUNT); i < count; i++) {
    const reading = JSON.parse(JSON.stringify(readingAt(i)));
    state[reading.key] = reading;
  }
  const memory = await readMemory();
  // Used after the measurement, so that the state can't be collected before it.
  if (Object.keys(state).length === 0) throw new Error("The state is empty");
  return memory;
}

/**
 * The bare loop that opening is compared with: reads every segment as one text, parses it line by line, and keeps the
 * latest reading of each key. It checks nothing. Finding each line's end was the fastest way on all runtimes: splitting
 * the text takes 1.03 to 1.09 of its processor time, and parsing 64 lines as one array 1.06 to 1.46.
 */
export function measureReading(directory: string): { elapsedMs: number } {
  const start = performance.now();
  const state: Readings = {};
  const names = fs.readdirSync(directory).filter((name) => name.endsWith(".wal.jsonl")).sort();
  for (const name of names) {
    const text = readText(`${directory}/${name}`);
    for (let from = 0, end; (end = text.indexOf("\n", from)) !== -1; from = end + 1) {
      // Other lines are headers, seals and the initial state, which begins with a path, and space that was filled ahead.
      if (text[from] !== "[" || text[from + 1] === "[") continue;
      const reading: Reading = JSON.parse(text.slice(from, end))[1];
      state[reading.key] = reading;
    }
  }
  const elapsedMs = performance.now() - start;
  if (Object.keys(state).length !== KEY_COUNT) {
    throw new Error("The state is not what was journaled");
  }
  return { elapsedMs };
}

/** Fills a peer's journal with the same mutations. Its syncs are few and don't count. */
export async function fillLog(
  module: string,
  directory: string,
  count: number,
): Promise<{ count: number }> {
  const log = await (await importContender(module)).openLog!(directory);
  for (let i = 0; i < count; i += LOG_BATCH) {
    const size = Math.min(LOG_BATCH, count - i);
    await log.append(
      i + 1,
      Array.from({ length: size }, (_, k) => JSON.stringify(readingAt(i + k))),
    );
  }
  await log.close();
  return { count };
}

/** Opens a peer's journal, and parses and applies what it holds. */
export async function measureLog(
  module: string,
  directory: string,
): Promise<{ elapsedMs: number }> {
  const contender = await importContender(module);
  const start = performance.now();
  const log = await contender.openLog!(directory);
  const state: Readings = {};
  await log.replay((text) => {
    const reading: Reading = JSON.parse(text);
    state[reading.key] = reading;
  });
  const elapsedMs = performance.now() - start;
  if (Object.keys(state).length !== KEY_COUNT) {
    throw new Error("The state is not what was journaled");
  }
  await log.close();
  return { elapsedMs };
}

async function importContender(module: string): Promise<Contender> {
  return (await import(`../contenders/${module}.ts`)).contender;
}

/** Each runtime by its own means. */
export function readText(path: string): string {
  return "Deno" in globalThis ? Deno.readTextFileSync(path) : fs.readFileSync(path, "utf8");
}
