/**
 * Decides which files of a state directory, and which part of the last one, hold exactly what was there up to an earlier
 * sequence. Reads all of them before any is copied; no mutator is run.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import type { StateFiles } from "../disk/names.ts";
import type { DurableFs } from "../durable_fs.ts";
import { encodeBatchEnd } from "../format/batch_end.ts";
import { encodeSeal, hex8 } from "../format/encode.ts";
import { LINE_FEED } from "../format/format.ts";
import { type HistoryPoint, pointOf } from "../format/history_point.ts";
import { clipRanges, rangeOf, type SequenceSpan } from "../format/ranges.ts";
import type { Batch } from "../format/scan.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { coverLast } from "../recovery/cover_last.ts";
import { contestedError } from "../recovery/identity.ts";
import { firstNeeded } from "../recovery/plan.ts";
import type { ReadSegment } from "../recovery/segment_facts.ts";
import { isContinuedBy, isOtherAt } from "../recovery/segment_history.ts";
import { surveyAll } from "../recovery/survey.ts";
import type { Copy, CopyEnding, CopyPlan } from "./backup_plan.ts";
import {
  rangesOf,
  type Stretch,
  stretchesOf,
  type Unrestorable,
  usableSnapshots,
  whyNot,
} from "./restore_ranges.ts";

/**
 * Finds what to copy for the state at `sequence`, with as much of the history before it as is kept.
 *
 * @returns why there is nothing to copy, if so
 * @throws {ForeignFormatError} when the files are of two journals, and it is not known which of them count
 * @throws {IoError} when the last batch may not be durable and can't be synced
 */
export async function planRestore(
  fs: DurableFs,
  files: StateFiles,
  sequence: number,
): Promise<CopyPlan | Unrestorable> {
  const survey = await surveyAll(fs, files, { build: false });
  if (survey.identity?.contested === true) throw contestedError(files.directory);
  const stretches = stretchesOf(survey);
  const stretch = stretches.find((each) => each.first <= sequence && sequence <= each.last);
  if (stretch === undefined) return whyNot(survey, rangesOf(stretches), sequence);
  const kept = cutStretch(stretch, sequence);
  const last = kept.at(-1)!;
  const end = await findEnd(fs, last, sequence);
  if (end.group !== null) return { why: "grouped", group: end.group };
  const next = survey.segments[survey.segments.indexOf(last) + 1] ?? undefined;
  if (next === undefined && end.refused === null) await coverLast(fs, files, last);
  const refused = end.refused ?? (isContinuedBy(last, next) ? next.refusedBefore : null);
  const ending = endingOf(fs, last, { ...end, refused }, sequence);
  const copies: Copy[] = kept.map(({ file, soundEnd }) => ({ file, size: soundEnd })).reverse();
  copies[0]!.size = end.size;
  const isKept = (point: HistoryPoint) =>
    point.sequence >= stretch.first && point.sequence <= sequence &&
    !kept.some((facts) => isOtherAt(facts, point));
  for (const { file, header } of usableSnapshots(survey)) {
    if (isKept(pointOf(header!))) copies.push({ file, size: Infinity });
  }
  return { copies, sequence, ending };
}

/** The segments up to the one that holds `sequence`; the first one, if only what it continues is kept. */
function cutStretch({ segments }: Stretch, sequence: number): ReadSegment[] {
  const holder = firstNeeded(segments.map(({ file }) => file), sequence - 1);
  return segments.slice(0, Math.max(0, holder) + 1);
}

/** Where the copy of the last segment ends. */
interface End {
  /** How much of the segment is copied as it is. */
  size: number;
  /** The first records of a batch that is cut, with an end of their own; empty when no batch is. */
  lines: Uint8Array;
  /** Which mutations of the batch that ends there were refused; `null` when that isn't known. */
  refused: readonly SequenceSpan[] | null;
  /** The atomic group that would be cut; `null` when none would be. */
  group: SequenceSpan | null;
}

const NO_LINES = new Uint8Array();

/** Reads a segment up to the batch that holds `sequence`, and the one after it. */
async function findEnd(fs: DurableFs, facts: ReadSegment, sequence: number): Promise<End> {
  const whole = { lines: NO_LINES, group: null };
  if (sequence < facts.header.first) {
    return { ...whole, size: facts.initialEnd, refused: facts.refusedBefore };
  }
  const reader = await SegmentReader.open(fs, facts.file);
  try {
    const { batch, next } = await findBatch(reader, sequence);
    const refused = next === null ? reader.refused : next.refused;
    if (batch.sequenceLast === sequence) return { ...whole, size: batch.offsetEnd, refused };
    const group = rangeOf(batch.groups, sequence);
    const isCut = group !== undefined && group[1] > sequence;
    const lines = isCut ? NO_LINES : await cutBatch(fs, reader, batch, sequence);
    return { size: batch.offset, lines, refused, group: isCut ? group : null };
  } finally {
    await closeFile(reader, facts.file.path);
  }
}

/** The batch that holds `sequence`, and the one after it in the same segment; `null` when there is none. */
async function findBatch(
  reader: SegmentReader,
  sequence: number,
): Promise<{ batch: Batch; next: Batch | null }> {
  const found: Batch[] = [];
  await reader.readSound((batch) => {
    if (batch.sequenceLast >= sequence && found.length < 2) found.push(batch);
  });
  const [batch, next = null] = found;
  return { batch: batch!, next };
}

/** The first records of a batch, byte for byte, as a batch that ends with `sequence`. */
async function cutBatch(
  fs: DurableFs,
  reader: SegmentReader,
  { offset, offsetEnd, sequenceFirst, timestamp, groups, refused }: Batch,
  sequence: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(offsetEnd - offset);
  await reader.readAt(bytes, offset);
  let lineEnd = -1;
  for (let at = sequenceFirst; at <= sequence; at++) {
    lineEnd = bytes.indexOf(LINE_FEED, lineEnd + 1);
  }
  // Without the bracket that closes the line.
  const records = bytes.subarray(0, lineEnd - 1);
  const notes = { groups: orNone(clipRanges(groups, sequence)), refused: orNone(refused) };
  const body = join(
    records,
    new TextEncoder().encode(encodeBatchEnd(sequenceFirst - 1, timestamp, notes)),
  );
  const checksum = hex8(fs.crc32(body, reader.seed));
  return join(body, new TextEncoder().encode(`"${checksum}"]\n`));
}

function orNone(ranges: readonly SequenceSpan[]): readonly SequenceSpan[] | undefined {
  return ranges.length === 0 ? undefined : ranges;
}

/** The lines after the copied bytes: what is left of a batch, and a seal that says what the source's next line says. */
function endingOf(
  fs: DurableFs,
  { file, seed }: ReadSegment,
  { lines, refused }: End,
  sequence: number,
): CopyEnding {
  // The outcome of the last batch of a journal is not known before it is run, here as there.
  if (refused === null) return { file, bytes: lines };
  const content = { sequence, refused: orNone(clipRanges(refused, sequence)) };
  return { file, bytes: join(lines, encodeSeal(content, fs.crc32, seed)) };
}

function join(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
