/**
 * Commits for very long with automatic compaction, and samples speed, timer lateness and memory now and then.
 *
 * @module
 */

import fs from "node:fs";
import { join } from "node:path";
import { StateManager } from "../../mod.ts";
import { readMemory } from "../support/memory.ts";
import { quantile } from "../support/stats.ts";
import { JOURNAL, readingAt, readings } from "../support/workload.ts";

/** How it was at one moment. */
export interface SoakSample {
  seconds: number;
  commits: number;
  /** Since the sample before. */
  perSecond: number;
  /** Latencies of commits since the sample before, in milliseconds. */
  p50: number;
  p99: number;
  /** What is resident, in bytes. */
  resident: number;
  /** The size of all files of the directory, in bytes. */
  directory: number;
  /** How many mutations are newer than the newest snapshot: what an opening would replay. */
  backlog: number;
}

const CALLERS = 64;
const SAMPLES = 100;

/** Commits `count` readings of 10,000 keys by 64 callers, or until `secondsMax` are over. */
export async function soak(
  directory: string,
  count: number,
  secondsMax: number,
): Promise<SoakSample[]> {
  const manager = await StateManager.open(directory, JOURNAL, readings);
  const samples: SoakSample[] = [];
  const started = performance.now();
  let next = 0;
  for (let number = 1; number <= SAMPLES; number++) {
    const until = Math.floor(count * number / SAMPLES);
    const before = next;
    const latencies: number[] = [];
    const caller = async () => {
      while (next < until) {
        const start = performance.now();
        await manager.apply(readingAt(next++));
        latencies.push(performance.now() - start);
      }
    };
    const begun = performance.now();
    await Promise.all(Array.from({ length: CALLERS }, caller));
    const now = performance.now();
    samples.push({
      seconds: (now - started) / 1000,
      commits: next,
      perSecond: (next - before) / (now - begun) * 1000,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      resident: (await readMemory()).now,
      ...filesOf(directory, manager.sequence),
    });
    if (now - started > secondsMax * 1000) break;
  }
  await manager.close();
  return samples;
}

function filesOf(path: string, sequence: number): Pick<SoakSample, "directory" | "backlog"> {
  let directory = 0;
  let snapshot = 0;
  for (const name of fs.readdirSync(path)) {
    // A compaction may have deleted it meanwhile.
    directory += fs.statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0;
    snapshot = Math.max(snapshot, Number(/-(\d{16})\.snapshot\.jsonl$/.exec(name)?.[1] ?? 0));
  }
  return { directory, backlog: sequence - snapshot };
}
