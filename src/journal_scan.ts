/**
 * Scans a journal's segments in order and reaches a verdict on each; changes nothing on the disk.
 *
 * @module
 */

import type { DurableFs } from "./durable_fs.ts";
import { CorruptionError, ForeignFormatError, MinistateError, TooNewError } from "./errors.ts";
import { type SegmentHeader, TORN_SIZE_MAX } from "./format.ts";
import type { NamedFile, StateFiles } from "./names.ts";
import { type Aftermath, scanAftermath } from "./proof_scan.ts";
import { decide, type Reach, type Row, type Tail } from "./recovery_table.ts";
import type { Batch } from "./scan.ts";
import { SegmentReader } from "./segment_reader.ts";

/** A run of sequences; the last is `null` when nothing tells it. */
export interface SequenceRange {
  /** The first sequence of the run. */
  sequenceFirst: number;
  /** The last sequence of the run, or `null` when nothing tells it. */
  sequenceLast: number | null;
}

/** The end of the newest segment. */
export interface SegmentEnd {
  named: NamedFile;
  header: SegmentHeader;
  seed: number;
  /** Where the last sound line ends. */
  soundEnd: number;
  /** Where bytes behind it end that are not empty space; equal to `soundEnd` when there are none. */
  writtenEnd: number;
  sealed: boolean;
}

/** Damage that a power cut can't explain. */
export interface Corruption {
  /** Label of the recovery table's row. */
  label: string;
  says: string;
  /** Position of the segment among the files, or -1 when a file is missing altogether. */
  index: number;
  path: string;
  offset: number;
  lost: SequenceRange;
  /** Where the segment's sound part ends, when it has one. */
  soundEnd: number | null;
}

/** What a scan found. */
export interface JournalScan {
  /** The highest sequence up to which everything is sound. */
  sequence: number;
  /** The newest segment's end; `null` when there is none, or when it can't be used. */
  end: SegmentEnd | null;
  segmentsRead: number;
  bytesRead: number;
  /** Why the newest segment's tail will be cut, when it will. */
  torn: Row | null;
  corruption: Corruption | null;
}

/** Receives every sound batch in order; `header` is that of its segment. */
export type BatchConsumer = (batch: Batch, header: SegmentHeader) => void;

/**
 * Scans all segments that hold records after `base`.
 *
 * @throws {TooNewError} when a segment was written by a newer version
 * @throws {IoError} when the operating system refuses a read
 */
export async function scanJournal(
  fs: DurableFs,
  files: StateFiles,
  base: number,
  id: string | null,
  consume: BatchConsumer,
): Promise<JournalScan> {
  const scan: JournalScan = {
    sequence: base,
    end: null,
    segmentsRead: 0,
    bytesRead: 0,
    torn: null,
    corruption: null,
  };
  const first = firstNeeded(files.segments, base);
  if (first < 0) {
    if (files.segments.length > 0 || files.snapshots.length > 0) {
      scan.corruption = await missing(fs, files, base);
    }
    return scan;
  }
  for (let index = first; index < files.segments.length; index++) {
    await scanSegment(fs, files, index, base, id, scan, consume);
    if (scan.corruption !== null) break;
  }
  return scan;
}

/** The newest segment that begins at or before the record after `base`, or -1. */
function firstNeeded(segments: NamedFile[], base: number): number {
  return segments.findLastIndex((segment) => segment.sequence <= base + 1);
}

async function missing(fs: DurableFs, files: StateFiles, base: number): Promise<Corruption> {
  const next = files.segments[0];
  return {
    label: "journal missing",
    says: next === undefined
      ? "there is no segment, though there was a journal"
      : `the segments before "${next.name}" are missing, and no sound snapshot stands in for them`,
    index: -1,
    path: files.directory,
    offset: 0,
    lost: { sequenceFirst: base + 1, sequenceLast: await highestSequence(fs, files, 0, null) },
    soundEnd: null,
  };
}

async function scanSegment(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  base: number,
  id: string | null,
  scan: JournalScan,
  consume: BatchConsumer,
): Promise<void> {
  const named = files.segments[index]!;
  let reader: SegmentReader;
  try {
    reader = await openSegment(fs, named, id);
  } catch (error) {
    scan.corruption = await unusableHeader(fs, files, index, scan.sequence, error);
    return;
  }
  try {
    for (let batches; (batches = await reader.read()) !== null;) {
      for (const batch of batches) consume(batch, reader.header);
    }
    scan.segmentsRead++;
    scan.bytesRead += reader.soundEnd;
    const aftermath = reader.damage === null
      ? null
      : await scanAftermath(reader, reader.soundEnd, fs.crc32);
    const row = judge(reader, aftermath, files.segments[index + 1], base);
    scan.sequence = Math.max(base, reader.expected - 1);
    scan.end = segmentEnd(reader, aftermath);
    if (row.verdict === "cut") scan.torn = row;
    if (row.verdict === "corrupt") {
      scan.corruption = await corruptionAt(fs, files, index, reader, aftermath, row, scan.sequence);
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
  const reader = await SegmentReader.open(fs, named);
  if (id === null || reader.header.id === id) return reader;
  await reader.close();
  throw new ForeignFormatError(
    `"${named.path}" belongs to another journal: move it back to where it came from`,
    { path: named.path, offset: 0, sequence: named.sequence },
  );
}

/** The three facts about a segment that was read to its end, and the row they are in. */
function judge(
  reader: SegmentReader,
  aftermath: Aftermath | null,
  next: NamedFile | undefined,
  base: number,
): Row {
  const target = next === undefined ? base + 1 : next.sequence;
  const reach: Reach = reader.expected < target
    ? "short"
    : reader.expected > target
    ? "beyond"
    : "meets";
  return decide(next === undefined ? "last" : "inner", tailOf(reader, aftermath), reach);
}

function tailOf(reader: SegmentReader, aftermath: Aftermath | null): Tail {
  if (aftermath === null) return "sound";
  // A batch that repeats sequences has a right checksum: no power cut writes one.
  if (reader.damage?.reason === "repeated") return "proven";
  // No unacknowledged write of ours is that large.
  const overlong = aftermath.writtenEnd - reader.soundEnd > TORN_SIZE_MAX;
  return aftermath.proof !== null || aftermath.exhausted || overlong ? "proven" : "unproven";
}

function segmentEnd(reader: SegmentReader, aftermath: Aftermath | null): SegmentEnd {
  return {
    named: reader.named,
    header: reader.header,
    seed: reader.seed,
    soundEnd: reader.soundEnd,
    writtenEnd: Math.max(reader.soundEnd, aftermath?.writtenEnd ?? 0),
    sealed: reader.sealed,
  };
}

async function corruptionAt(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  reader: SegmentReader,
  aftermath: Aftermath | null,
  row: Row,
  sequence: number,
): Promise<Corruption> {
  const seen = aftermath?.sequenceSeen ?? null;
  return {
    label: row.label,
    says: row.says,
    index,
    path: reader.named.path,
    offset: reader.damage?.offset ?? reader.soundEnd,
    lost: {
      sequenceFirst: sequence + 1,
      sequenceLast: await highestSequence(
        fs,
        files,
        index + 1,
        seen !== null && seen > sequence ? seen : null,
      ),
    },
    soundEnd: reader.expected - 1 === sequence ? reader.soundEnd : null,
  };
}

/** A header that is damaged or not ours is corruption; one that is too new, or an error of the disk, is not. */
async function unusableHeader(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  sequence: number,
  error: unknown,
): Promise<Corruption> {
  const foreign = error instanceof ForeignFormatError;
  if (!(error instanceof CorruptionError) && !foreign) throw error;
  const named = files.segments[index]!;
  return {
    label: foreign ? "foreign segment" : "damaged header",
    says: foreign
      ? "it was not written by this journal"
      : "its first line is damaged, which a power cut can't do",
    index,
    path: named.path,
    offset: 0,
    lost: {
      sequenceFirst: sequence + 1,
      sequenceLast: await highestSequence(fs, files, index, null),
    },
    soundEnd: null,
  };
}

/** The highest sequence that the segments from `index` on hold or name, or `known` when that is higher. */
async function highestSequence(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  known: number | null,
): Promise<number | null> {
  let highest = known ?? 0;
  for (const named of files.segments.slice(index)) {
    // That a segment exists proves all sequences before it.
    highest = Math.max(highest, named.sequence - 1);
    try {
      const reader = await SegmentReader.open(fs, named);
      try {
        while (await reader.read() !== null);
        highest = Math.max(highest, reader.expected - 1);
        if (reader.damage !== null) {
          const { sequenceSeen } = await scanAftermath(reader, reader.soundEnd, fs.crc32);
          highest = Math.max(highest, sequenceSeen ?? 0);
        }
      } finally {
        await reader.close();
      }
    } catch (error) {
      // What can't be read can't tell its sequences either; the report says so by what it leaves open.
      if (!(error instanceof MinistateError) || error instanceof TooNewError) throw error;
    }
  }
  return highest === 0 ? null : highest;
}

/** The error for a corruption, for whoever has to act on it. */
export function corruptionError(corruption: Corruption): CorruptionError {
  const { sequenceFirst, sequenceLast } = corruption.lost;
  const range = sequenceLast === null
    ? `${sequenceFirst} and later`
    : sequenceLast <= sequenceFirst
    ? `${sequenceFirst}`
    : `${sequenceFirst} to ${sequenceLast}`;
  return new CorruptionError(
    `Cannot open "${corruption.path}" at offset ${corruption.offset}: ${corruption.says}; sequences that can't be proven: ${range}. ` +
      "Nothing was changed: copy the directory, look at the disk's health, restore a backup, " +
      'or run "ministate repair" (or open with onCorruption "quarantine") to go on without them',
    {
      path: corruption.path,
      offset: corruption.offset,
      sequence: sequenceFirst,
      operation: "open",
      lost: corruption.lost,
    },
  );
}
