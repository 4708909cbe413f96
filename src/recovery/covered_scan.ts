/**
 * A scan without the lock that makes sure its last batch is durable before relying on it.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import type { DurableFs } from "../durable_fs.ts";
import { MinistateError } from "../errors.ts";
import { listState } from "../disk/list_state.ts";
import type { StateFiles } from "../disk/names.ts";
import type { Batch } from "../format/scan.ts";
import { awaitCover } from "../journal/cover.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import type { JournalScan } from "./journal_scan.ts";

/**
 * Scans while a writer may be in the middle of a sync.
 *
 * @param files the files that the scan reads
 * @param scan receives a function that it must call with each batch
 * @throws {IoError} when the last batch may not be durable and can't be synced
 */
export async function coveredScan(
  fs: DurableFs,
  files: StateFiles,
  scan: (note: (batch: Batch) => void) => Promise<JournalScan>,
): Promise<JournalScan> {
  let last = null as Batch | null;
  const found = await scan((batch) => last = batch);
  const { end, sequence, corruption } = found;
  if (end === null || end.sealed || corruption !== null) return found;
  if (last?.sequenceLast === sequence) await coverLast(fs, files, last);
  return found;
}

/**
 * Returns once the last batch of the newest segment is durable.
 *
 * @throws {IoError} when it may not be durable and can't be synced
 */
export async function coverLast(
  fs: DurableFs,
  files: StateFiles,
  last: Batch | null,
): Promise<void> {
  // A snapshot gets its name only once everything up to it is durable.
  if (last === null || (files.snapshots.at(-1)?.sequence ?? 0) >= last.sequenceLast) return;
  const { directory, stem, segments } = files;
  const named = segments.at(-1)!;
  let reader: SegmentReader | undefined;
  try {
    reader = await SegmentReader.open(fs, named);
    reader.continueFrom({ named, offset: last.offsetEnd, sequence: last.sequenceLast + 1 });
    await awaitCover(reader, last.timestamp, async () => {
      const { segments } = await listState(fs, directory, stem);
      return segments.some(({ sequence }) => sequence > named.sequence);
    });
  } catch (error) {
    // Deleted by a compaction, which runs only after everything in it is durable.
    if (!(error instanceof MinistateError) || error.systemCode !== "ENOENT") throw error;
  } finally {
    await closeFile(reader, named.path);
  }
}
