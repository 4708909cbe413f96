/**
 * W5: what commits cost the device: bytes, writes and flushes, from the block device's own counters.
 *
 * @module
 */

import { execFile } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { inDirectory, takeTurns } from "../support/start_jobs.ts";
import { manyCallers, oneCaller, sharingSyncs } from "../w1_w2_commits/run.ts";
import { contenderOf, UNCOMPACTED } from "../contenders/all.ts";
import type { Runtime } from "../contenders/contender.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";
import { KEY_COUNT } from "../support/workload.ts";

/** What the device was asked for while a contender committed. */
export interface TrafficRun {
  runtime: Runtime;
  contender: string;
  callers: number;
  byHand: boolean;
  round: number;
  commits: number;
  bytes: number;
  writes: number;
  flushes: number;
  /** Why there are no figures. */
  failure?: string;
}

/** Counts since the machine was started. */
interface Counters {
  bytes: number;
  writes: number;
  flushes: number;
}

/** How many wait at once, when it is not one. */
const CALLERS = 64;
const SECTOR_SIZE = 512;
const run = promisify(execFile);

/** Finds the counters of the device that a directory is on; throws when it has none. */
export function countersOf(directory: string): () => Counters {
  const { dev } = fs.statSync(directory);
  // As the kernel encodes device numbers for programs (glibc, sys/sysmacros.h).
  const major = Math.floor(dev / 256) & 0xfff;
  const minor = (dev & 0xff) | (Math.floor(dev / 4096) & 0xffffff00);
  const device = `/sys/dev/block/${major}:${minor}`;
  if (!fs.existsSync(device)) throw new Error(`"${directory}" is not on a block device`);
  // Flushes are counted only for whole disks.
  const disk = fs.existsSync(`${device}/partition`) ? `${device}/..` : device;
  return () => {
    // Documentation/block/stat.rst of Linux: writes, sectors written and flushes are the 5th, 7th and 16th.
    const fields = fs.readFileSync(`${disk}/stat`, "utf8").trim().split(/\s+/).map(Number);
    const [writes, sectors, flushes] = [fields[4]!, fields[6]!, fields[15] ?? NaN];
    return { bytes: sectors * SECTOR_SIZE, writes, flushes };
  };
}

/** Flushes everything written so far to the device, so that it counts for the contender that wrote it. */
async function settle(): Promise<void> {
  await run("sync");
}

/** Has each contender commit with nothing else running, and reads the counters before and after it. */
export async function measureTraffic(
  durationMs: number,
  rounds: number,
  scope: Scope,
): Promise<TrafficRun[]> {
  const counters = countersOf(scope.parent);
  const runs: TrafficRun[] = [];
  const manner = { byHand: false, keys: KEY_COUNT };
  const starters = [
    ...oneCaller(KEY_COUNT),
    ...sharingSyncs(manyCallers(CALLERS, KEY_COUNT)),
    ...[1, CALLERS].map((callers) => ({ ...manner, contender: UNCOMPACTED, callers })),
  ];
  for (let round = 0; round < rounds; round++) {
    for (const runtime of inTurn(scope.runtimes, round)) {
      for (const { contender, ...manner } of inTurn(starters, round)) {
        if (!contenderOf(contender).runtimes.includes(runtime)) continue;
        progress(
          `W5, round ${round + 1} of ${rounds}, ${runtime}: ${contender}, ${manner.callers}`,
        );
        const own: TrafficRun = {
          runtime,
          contender,
          callers: manner.callers,
          byHand: manner.byHand,
          round,
          commits: 0,
          bytes: 0,
          writes: 0,
          flushes: 0,
        };
        await inDirectory(scope.parent, async (parent) => {
          const directory = join(parent, "own");
          fs.mkdirSync(directory);
          const child = takeTurns(runtime, contender, directory, manner);
          try {
            await child.ready();
            await child.turn(durationMs / 4);
            await settle();
            const before = counters();
            own.commits = (await child.turn(durationMs)).count;
            await settle();
            const after = counters();
            own.bytes = after.bytes - before.bytes;
            own.writes = after.writes - before.writes;
            own.flushes = after.flushes - before.flushes;
          } catch (error) {
            own.failure = (error as Error).message;
          }
          await child.end();
        });
        runs.push(own);
      }
    }
  }
  return runs;
}
