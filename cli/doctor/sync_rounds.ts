/**
 * Measures how long the device takes to acknowledge a sync, with a file that is removed afterwards.
 *
 * @module
 */

import { closeFile } from "../../src/disk/close_file.ts";
import type { DurableFile, DurableFs } from "../../src/durable_fs.ts";
import { discard, fillWithLineFeeds, writeFully } from "../../src/disk/file_io.ts";
import { type SyncLatency, syncLatencyOf } from "./sync_latency.ts";

/** The page size of the card's and the kernel's bookkeeping. A batch of a few mutations writes one page. */
const ROUND_SIZE = 4096;

/** With this many rounds, two latencies lie above the 99th percentile, so it isn't just the slowest one. */
const ROUNDS_MAX = 200;

/** A wait that users accept. A device that needs longer for all rounds is slow, which fewer rounds also show. */
const DURATION_MAX_MS = 5000;

/** The most that the test writes, in bytes: the prefilled file, and then each of its pages once more. */
export const SYNC_TEST_SIZE_MAX = 2 * ROUNDS_MAX * ROUND_SIZE;

/**
 * Writes and syncs page after page of a new file at `path`, and removes it.
 *
 * @param interruption ends the test early
 * @returns `null` when no round was completed
 */
export async function measureSyncs(
  fs: DurableFs,
  path: string,
  interruption: AbortSignal,
): Promise<SyncLatency | null> {
  const file = await fs.open(path, "create");
  let latenciesMs: number[];
  try {
    latenciesMs = await roundsOn(file, interruption);
  } catch (error) {
    await discard(fs, file, path);
    throw error;
  }
  await closeFile(file, path);
  await fs.remove(path);
  return syncLatencyOf(latenciesMs, (ROUNDS_MAX + latenciesMs.length) * ROUND_SIZE);
}

async function roundsOn(file: DurableFile, interruption: AbortSignal): Promise<number[]> {
  // Like the journal: a sync into space that already exists writes no file system metadata.
  await fillWithLineFeeds(file, 0, ROUNDS_MAX * ROUND_SIZE);
  await file.syncAll();
  const page = new Uint8Array(ROUND_SIZE).fill(0x20);
  const latenciesMs: number[] = [];
  const end = performance.now() + DURATION_MAX_MS;
  while (latenciesMs.length < ROUNDS_MAX && !interruption.aborted) {
    const start = performance.now();
    if (start >= end) break;
    await writeFully(file, page, latenciesMs.length * ROUND_SIZE);
    await file.syncData();
    latenciesMs.push(performance.now() - start);
  }
  return latenciesMs;
}
