/**
 * Reads one segment, once, and keeps what decisions need to know about it: facts, never records.
 *
 * @module
 */

import { closeAfterFailure, closeFile } from "../disk/close_file.ts";
import { openFile, sizeIfGiven } from "../disk/header_file.ts";
import type { NamedFile } from "../disk/names.ts";
import { isFilesOwn, readPatiently } from "../disk/refusals.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, ForeignFormatError, type MinistateError } from "../errors.ts";
import type { CompactionFailure } from "../format/compaction_failure.ts";
import type { SegmentHeader } from "../format/format.ts";
import { PointNotes } from "../format/history_point.ts";
import type { Batch, Damage } from "../format/scan.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import type { WriteTotals } from "../format/write_totals.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { readInitial } from "../snapshot/initial_state.ts";
import { findTailEvidence, type TailEvidence } from "./tail_evidence.ts";

/** A segment that was read to its end, or as far as it is sound. */
export interface ReadSegment {
  file: NamedFile;
  /** Its size in bytes; 0 when it was not asked for. */
  size: number;
  header: SegmentHeader;
  failure: null;
  /** The header's checksum. */
  seed: number;
  /** The sequence that a record after the last sound one would have. */
  sequenceNext: number;
  /** The checksum of the batch before it, in this segment or an earlier one; `null` when it is not known. */
  checksum: number | null;
  /** The checksums of batches in it, or before its first, by the snapshots' sequences; `null` when it is not known. */
  points: ReadonlyMap<number, number | null>;
  /** Where the last sound batch or seal begins. */
  lastStart: number;
  /** Where the last sound line ends. */
  soundEnd: number;
  /** The end of the bytes after it that are not empty space; equal to `soundEnd` when there are none. */
  writtenEnd: number;
  /** Whether the last sound line is a seal. */
  sealed: boolean;
  /** The mutations of its last batch that were refused, by the header or the last seal; `null` when neither says. */
  refused: readonly SequenceSpan[] | null;
  /** How many of its mutations were refused, without those of its last batch. */
  refusedCount: number;
  /** The mutations of the batch before it that were refused; `null` when it doesn't say. */
  refusedBefore: readonly SequenceSpan[] | null;
  /** The last batch; `null` when there is none. */
  batchLast: { offsetEnd: number; timestamp: number } | null;
  /** What the directory had written by the end of the last sound line. */
  written: WriteTotals;
  /** Why the last compaction failed, by the last sound header or seal; `null` when it did not. */
  compactionFailure: CompactionFailure | null;
  damage: Damage | null;
  /** Why the initial state that it should hold can't be used; `null` when it can, or when there is none. */
  initialFailure: MinistateError | null;
  /** What follows a damaged initial state, wherever its lines are now; otherwise `null`. */
  initialEvidence: TailEvidence | null;
  /** Where the initial state should end. */
  initialEnd: number;
  /** The disk's refusal to read part of it, if there was one. */
  unreadable: MinistateError | null;
  /** What follows the sound part; `null` when that is nothing but empty space. */
  evidence: TailEvidence | null;
}

/** A segment whose first line can't be used. */
export interface UnusableSegment {
  file: NamedFile;
  size: number;
  /** The header of a segment under another one's name; otherwise `null`. */
  header: SegmentHeader | null;
  /** Why it can't be used. */
  failure: MinistateError;
  isEmpty: boolean;
}

/** What is known about one segment. */
export type SegmentFacts = ReadSegment | UnusableSegment;

/** Receives every sound batch in order, with the header of its segment. */
export type BatchConsumer = (batch: Batch, header: SegmentHeader) => void;

/** How to read a segment. */
export interface SegmentReading {
  /** Receives the batches. */
  consume?: BatchConsumer;
  /** Where to stop; a live journal is read up to its acknowledged end. */
  limit?: number | undefined;
  /** Whether to ask for the size. */
  measure?: boolean;
  /** The sequences of snapshots, in ascending order, at which to note the batch's checksum. */
  points?: readonly number[];
  /** Receives the initial state, if the segment holds it and it is sound. */
  begin?: (state: unknown, header: SegmentHeader) => void;
}

/**
 * Reads a segment.
 *
 * @throws {TooNewError} when a newer version wrote it
 * @throws {IoError} when the operating system refuses a read for a reason other than the file itself
 */
export async function readSegmentFacts(
  fs: DurableFs,
  file: NamedFile,
  { consume = () => {}, limit, measure = false, points = [], begin }: SegmentReading = {},
): Promise<SegmentFacts> {
  let size = 0, isEmpty = false;
  let header: SegmentHeader | null = null;
  let reader: SegmentReader;
  try {
    reader = await readPatiently(async () => {
      const opened = await openFile<SegmentHeader>(fs, file, "journal");
      try {
        if (measure) size = await sizeIfGiven(opened, file);
      } catch (error) {
        await closeAfterFailure(opened.handle);
        throw error;
      }
      isEmpty = opened.isEmpty;
      header = opened.reading.kind === "sound" ? opened.reading.header : null;
      return await SegmentReader.over(fs, file, opened);
    });
  } catch (error) {
    if (!isUnusable(error)) throw error;
    return { file, size, header, failure: error, isEmpty };
  }
  try {
    const initialFailure = await readInitialFacts(fs, reader, begin);
    const initialEvidence = initialFailure instanceof CorruptionError
      ? await findTailEvidence(reader, reader.headerEnd, fs.crc32)
      : null;
    const notes = new PointNotes(reader.header, points);
    const take = (batch: Batch) => {
      notes.pass(batch);
      consume(batch, reader.header);
    };
    const last = await reader.readSound(take, limit);
    const evidence = await evidenceOf(reader, fs);
    const initial = { initialFailure, initialEvidence };
    return { ...factsOf(reader, last, evidence), ...initial, points: notes.noted, size };
  } finally {
    await closeFile(reader, file.path);
  }
}

/** Reads the initial state, if there is one; returns why it can't be used. */
async function readInitialFacts(
  fs: DurableFs,
  reader: SegmentReader,
  begin: SegmentReading["begin"],
): Promise<MinistateError | null> {
  if (reader.header.initial === undefined) return null;
  let state: unknown;
  try {
    state = await readPatiently(() => readInitial(fs, reader));
  } catch (error) {
    if (!isUnusable(error)) throw error;
    return error;
  }
  begin?.(state, reader.header);
  return null;
}

/** Whether an error is about the file itself. Whether it matters is judged where the file is needed. */
export function isUnusable(error: unknown): error is MinistateError {
  return error instanceof CorruptionError || error instanceof ForeignFormatError ||
    isFilesOwn(error);
}

async function evidenceOf(reader: SegmentReader, fs: DurableFs): Promise<TailEvidence | null> {
  const isSound = reader.damage === null && reader.unreadable === null;
  return isSound ? null : await findTailEvidence(reader, reader.soundEnd, fs.crc32);
}

function factsOf(
  reader: SegmentReader,
  last: Batch | null,
  evidence: TailEvidence | null,
): Omit<ReadSegment, "size" | "points" | "initialFailure" | "initialEvidence"> {
  const { file, header, headerEnd, seed, soundEnd, checksum } = reader;
  return {
    file,
    header,
    failure: null,
    seed,
    sequenceNext: reader.expected,
    checksum,
    lastStart: reader.lastStart,
    soundEnd,
    writtenEnd: Math.max(soundEnd, evidence?.writtenEnd ?? 0),
    sealed: reader.sealed,
    refused: reader.refused,
    refusedCount: reader.refusedCount,
    refusedBefore: last === null ? reader.refused : reader.refusedBefore,
    initialEnd: headerEnd + (header.initial ?? 0),
    batchLast: last && { offsetEnd: last.offsetEnd, timestamp: last.timestamp },
    written: reader.written.totals,
    compactionFailure: reader.compactionFailure,
    damage: reader.damage,
    unreadable: reader.unreadable,
    evidence,
  };
}
