/**
 * Makes sure, without the lock, that the last batch of a journal is durable before anyone relies on it.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import type { DurableFs } from "../durable_fs.ts";
import { MinistateError } from "../errors.ts";
import { listState } from "../disk/list_state.ts";
import type { StateFiles } from "../disk/names.ts";
import { awaitCover } from "../journal/cover.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import type { ReadSegment } from "./segment_facts.ts";

/**
 * Returns once the last batch of the newest segment is durable: a writer may be in the middle of its sync.
 *
 * @param end the newest segment; `null` when there is none
 * @throws {IoError} when it may not be durable and can't be synced
 */
export async function coverLast(
  fs: DurableFs,
  files: StateFiles,
  end: ReadSegment | null,
): Promise<void> {
  if (end === null || end.sealed || end.batchLast === null) return;
  const { file, sequenceNext: sequence, batchLast: { offsetEnd, timestamp } } = end;
  // A snapshot gets its name only once everything up to it is durable.
  if ((files.snapshots.at(-1)?.sequence ?? 0) >= sequence - 1) return;
  let reader: SegmentReader | undefined;
  try {
    reader = await SegmentReader.open(fs, file);
    reader.continueFrom({ file, offset: offsetEnd, sequence });
    await awaitCover(reader, timestamp, async () => {
      const { segments } = await listState(fs, files.directory, files.stem, end.header.id);
      return segments.some(({ sequence }) => sequence > file.sequence);
    });
  } catch (error) {
    // Deleted by a compaction, which runs only after everything in it is durable.
    if (!(error instanceof MinistateError) || error.systemCode !== "ENOENT") throw error;
  } finally {
    await closeFile(reader, file.path);
  }
}
