/**
 * Measures how long the device takes to acknowledge a sync, with a file that is gone afterwards.
 *
 * @module
 */

import { closeFile } from "../../src/disk/close_file.ts";
import type { DurableFile, DurableFs } from "../../src/durable_fs.ts";
import { discard, fillWithLineFeeds, writeFully } from "../../src/disk/file_io.ts";
import { type SyncLatency, syncLatencyOf } from "./sync_latency.ts";

/** The page of the card's and the kernel's bookkeeping; a batch of a few mutations writes one. */
const ROUND_SIZE = 4096;

/** Two latencies lie above the 99th percentile of so many: it isn't just the slowest one. */
const ROUNDS_MAX = 200;

/** What a person waits for gladly. A device that needs longer for all rounds is slow, and fewer of them tell that, too. */
const DURATION_MAX_MS = 5000;

/** What the test writes at most, in bytes: the file ahead, then each page of it once more. */
export const SYNC_TEST_SIZE_MAX = 2 * ROUNDS_MAX * ROUND_SIZE;

/**
 * Writes and syncs page after page of a new file at `path`, and removes it.
 *
 * @param interruption ends it early
 * @returns `null` when not one round was made
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
  // As the journal does: into space that is there already, a sync writes no metadata of the file system.
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
