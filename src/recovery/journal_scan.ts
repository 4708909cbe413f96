/**
 * Scans a journal's segments in order and reaches a verdict on each; changes nothing on the disk.
 *
 * @module
 */

import { type Corruption, corruptionAt, missingJournal, unusableHeader } from "./corruption.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError } from "../errors.ts";
import { type SegmentHeader, TORN_SIZE_MAX } from "../format/format.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { type Aftermath, scanAftermath, sequenceNamed } from "./proof_scan.ts";
import { endsUnsound, readWhatIsSound } from "./read_sound.ts";
import { decide, type Reach, type Row, type Tail } from "./recovery_table.ts";
import type { Batch } from "../format/scan.ts";
import { strangerError } from "../journal/journal_files.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { readPatiently } from "../disk/refusals.ts";
import { isEmptyFile } from "../disk/sync_file.ts";
import type { WriteTotals } from "../format/write_totals.ts";

/** The end of the newest segment. */
export interface SegmentEnd {
  named: NamedFile;
  header: SegmentHeader;
  seed: number;
  /** Where the last sound batch or seal begins. */
  lastStart: number;
  /** Where the last sound line ends. */
  soundEnd: number;
  /** The end of the bytes after it that are not empty space; equal to `soundEnd` when there are none. */
  writtenEnd: number;
  sealed: boolean;
  /** What the directory had written by then. */
  written: WriteTotals;
}

/** What a scan found. */
export interface JournalScan {
  /** The highest sequence up to which everything is sound. */
  sequence: number;
  /** The newest segment's end; `null` when there is none, when it was never begun, or when it can't be used. */
  end: SegmentEnd | null;
  /** The newest segment, if it is empty and may never have been begun. A new one replaces it. */
  unbegun: NamedFile | null;
  /** What the directory had written by the end of the last segment read. */
  written: WriteTotals | undefined;
  segmentsRead: number;
  bytesRead: number;
  /** Why the newest segment's tail will be cut, if it will. */
  torn: Row | null;
  corruption: Corruption | null;
}

/** Why an empty segment does not count as damage. */
export const UNBEGUN =
  "it is empty: the power was cut just after it got its name, which on FAT leaves it empty";

/** Receives every sound batch in order, with the header of its segment. */
export type BatchConsumer = (batch: Batch, header: SegmentHeader) => void;

/**
 * Scans all segments that hold records after `base`.
 *
 * @param known the highest sequence that damaged snapshots prove to have been acknowledged
 * @throws {TooNewError} when a segment was written by a newer version
 * @throws {IoError} when the operating system refuses a read for a reason other than the file itself
 */
export async function scanJournal(
  fs: DurableFs,
  files: StateFiles,
  base: number,
  known: number,
  id: string | null,
  consume: BatchConsumer,
): Promise<JournalScan> {
  const scan: JournalScan = {
    sequence: base,
    end: null,
    unbegun: null,
    written: undefined,
    segmentsRead: 0,
    bytesRead: 0,
    torn: null,
    corruption: null,
  };
  const first = firstNeeded(files.segments, base);
  if (first < 0) {
    if (files.segments.length > 0 || files.snapshots.length > 0) {
      scan.corruption = await missingJournal(fs, files, base, known);
    }
    return scan;
  }
  for (let index = first; index < files.segments.length; index++) {
    await scanSegment(fs, files, index, base, known, id, scan, consume);
    if (scan.corruption !== null) break;
  }
  return scan;
}

/** The newest segment that begins at or before the record after `base`, or -1. */
function firstNeeded(segments: NamedFile[], base: number): number {
  return segments.findLastIndex((segment) => segment.sequence <= base + 1);
}

async function scanSegment(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  base: number,
  known: number,
  id: string | null,
  scan: JournalScan,
  consume: BatchConsumer,
): Promise<void> {
  const named = files.segments[index]!;
  let reader: SegmentReader;
  try {
    reader = await openSegment(fs, named, id);
  } catch (error) {
    // Created but never begun: everything before it is there, and nothing suggests that it held a record.
    const isNext = named.sequence === Math.max(base, known, scan.sequence) + 1;
    const isLast = index === files.segments.length - 1;
    const isDamage = error instanceof CorruptionError;
    if (isDamage && isLast && isNext && await isEmptyFile(fs, named.path)) {
      scan.end = null;
      scan.unbegun = named;
      return;
    }
    scan.corruption = await unusableHeader(fs, files, index, scan.sequence, known, error);
    return;
  }
  try {
    await readWhatIsSound(reader, (batch) => consume(batch, reader.header));
    scan.segmentsRead++;
    scan.bytesRead += reader.soundEnd;
    const aftermath = endsUnsound(reader)
      ? await scanAftermath(reader, reader.soundEnd, fs.crc32)
      : null;
    const row = judge(reader, aftermath, files.segments[index + 1], Math.max(base, known));
    scan.sequence = Math.max(base, reader.expected - 1);
    scan.end = segmentEnd(reader, aftermath);
    scan.written = scan.end.written;
    if (row.verdict === "cut") scan.torn = row;
    if (row.verdict === "corrupt") {
      const isLast = index === files.segments.length - 1;
      const seen = Math.max(known, sequenceNamed(aftermath, isLast));
      scan.corruption = await corruptionAt(fs, files, index, reader, seen, row, scan.sequence);
    }
  } finally {
    await reader.close();
  }
}

/** Opens a segment and makes sure that it belongs to the journal. */
async function openSegment(
  fs: DurableFs,
  named: NamedFile,
  id: string | null,
): Promise<SegmentReader> {
  const reader = await readPatiently(() => SegmentReader.open(fs, named));
  if (id === null || reader.header.id === id) return reader;
  await reader.close();
  throw strangerError(named);
}

/** Determines the three facts about a segment that was read to its end, and the table row that they select. */
function judge(
  reader: SegmentReader,
  aftermath: Aftermath | null,
  next: NamedFile | undefined,
  snapshotted: number,
): Row {
  const target = next === undefined ? snapshotted + 1 : next.sequence;
  const reach: Reach = reader.expected < target
    ? "short"
    : reader.expected > target
    ? "beyond"
    : "meets";
  return decide(next === undefined ? "last" : "inner", judgeTail(reader, aftermath), reach);
}

/** What a segment that was read ends with. */
export function judgeTail(reader: SegmentReader, aftermath: Aftermath | null): Tail {
  if (aftermath === null) return "sound";
  // A batch that repeats sequences has a correct checksum. No power cut writes such a batch.
  if (reader.damage?.reason === "repeated") return "proven";
  // No unacknowledged write of ours is this large.
  const overlong = aftermath.writtenEnd - reader.soundEnd > TORN_SIZE_MAX;
  if (aftermath.proof !== null || aftermath.exhausted) return "proven";
  // The unreadable bytes could contain the proof.
  if (reader.unreadable !== null) return "unreadable";
  return overlong ? "proven" : "unproven";
}

function segmentEnd(reader: SegmentReader, aftermath: Aftermath | null): SegmentEnd {
  return {
    named: reader.named,
    header: reader.header,
    seed: reader.seed,
    lastStart: reader.lastStart,
    soundEnd: reader.soundEnd,
    writtenEnd: Math.max(reader.soundEnd, aftermath?.writtenEnd ?? 0),
    sealed: reader.sealed,
    written: reader.written.totals,
  };
}
