/**
 * Reads the lines of a journal from bytes: verifies headers, batches and seals, and reports where they stop being
 * sound. Pure: bytes in, values out. The writing side is encode.ts; docs/format.md describes every byte.
 *
 * @module
 */

import { type Batch, type DamageReason, parseRun, type Run, verifyRun } from "./batch_scan.ts";
import { type Crc32, hex8 } from "./encode.ts";
import { parseJson } from "./json_parse.ts";
import { skipLineFeeds } from "./fill.ts";
import {
  CONTROL_TAIL_SIZE,
  FORMAT,
  isCount,
  isEdition,
  LINE_FEED,
  LINE_SIZE_MAX,
  NOT_BEGUN,
  type SegmentHeader,
  type SnapshotHeader,
} from "./format.ts";
import { isRanges, NO_RANGES, type SequenceSpan } from "./ranges.ts";
import { type CompactionFailure, readCompactionFailure } from "./compaction_failure.ts";
import { isAfter } from "./history_point.ts";
import { isWriteTotals, type WriteTotals } from "./write_totals.ts";

export type { Batch };

/** A verified seal. */
export interface Seal {
  /** The offset of its first byte in the segment. */
  offset: number;
  /** The offset of the byte after its line feed. */
  offsetEnd: number;
  /** The mutations of the batch before it that were refused; `null` when the seal doesn't say. */
  refused: readonly SequenceSpan[] | null;
  /** The directory's write totals at that point, if the seal has them. */
  written: WriteTotals | undefined;
  /** Why the last compaction before it failed; `null` when it did not. */
  compactionFailure: CompactionFailure | null;
}

/** The first place where a scan could not continue. */
export interface Damage {
  offset: number;
  reason: DamageReason;
}

/** Part of a segment, beginning with a line, and what verifies its lines. */
export interface SegmentPiece {
  bytes: Uint8Array;
  /** The position of `bytes[0]` in the file, for the offsets in the result. */
  base: number;
  /** The checksum of the segment's header. */
  seed: number;
  crc32: Crc32;
}

/** What one call of {@linkcode scanBatches} found. */
export interface ScanResult {
  batches: Batch[];
  seals: Seal[];
  /** How many bytes were processed; the rest needs more bytes after it. */
  consumed: number;
  /** Where the last sound line ends, relative to the given bytes; -1 when there was none. */
  soundEnd: number;
  /** Whether the last sound line was a seal. */
  sealed: boolean | null;
  /** What the last seal after the last batch lists as refused; `null` when none says. */
  refused: readonly SequenceSpan[] | null;
  damage: Damage | null;
}

const BRACKET_OPEN = 0x5b, BRACE_OPEN = 0x7b;
const decoder = new TextDecoder();

/** Parses and verifies a control line (header, seal, snapshot end) without its line feed. */
export function readControlLine(
  line: Uint8Array,
  crc32: Crc32,
  seed: number,
): { content: Record<string, unknown>; checksum: number } | null {
  const body = line.length + 1 - CONTROL_TAIL_SIZE;
  if (body < 2 || line[0] !== BRACE_OPEN) return null;
  const checksum = crc32(line.subarray(0, body), seed);
  const text = decoder.decode(line);
  if (!text.endsWith(`,"crc":"${hex8(checksum)}"}`)) return null;
  const content = parseJson(text);
  return content === undefined ? null : { content: content as Record<string, unknown>, checksum };
}

/** The result of reading a first line. */
export type HeaderReading<H> =
  | { kind: "sound"; header: H; checksum: number; size: number }
  | { kind: "newer"; format: number }
  | { kind: "foreign" }
  | { kind: "damaged" };

/** Reads the header line at the start of `bytes`. */
export function readHeader<H extends SegmentHeader | SnapshotHeader>(
  bytes: Uint8Array,
  kind: H["ministate"],
  crc32: Crc32,
): HeaderReading<H> {
  const end = bytes.indexOf(LINE_FEED);
  const line = bytes.subarray(0, Math.max(end, 0));
  const control = readControlLine(line, crc32, 0);
  if (control === null) return { kind: looksForeign(line) ? "foreign" : "damaged" };
  const { content, checksum } = control;
  if (content.ministate !== kind) return { kind: "foreign" };
  if (!isCount(content.format) || content.format < 1) return { kind: "damaged" };
  if (content.format > FORMAT) return { kind: "newer", format: content.format };
  const position = kind === "journal" ? content.first : content.sequence;
  const sound = isCount(position) &&
    (kind === "snapshot" ||
      isWritten(content.written) && isRefused(content.refused, position - 1)) &&
    isEdition(content, kind === "journal" ? position : NOT_BEGUN) &&
    isAfter(content.after, kind, position) &&
    (content.initial === undefined || isInitial(content.initial, kind, position)) &&
    isCount(content.version) && typeof content.id === "string" &&
    (content.mutator === null || typeof content.mutator === "string");
  return sound
    ? { kind: "sound", header: content as unknown as H, checksum, size: end + 1 }
    : { kind: "damaged" };
}

/** Whether a header may have an initial state of this size after it: only that of the journal's first segment. */
function isInitial(size: unknown, kind: string, position: number): boolean {
  return kind === "journal" && position <= 1 && isCount(size);
}

/** Whether a control line's write totals are valid or absent. */
function isWritten(written: unknown): written is WriteTotals | undefined {
  return written === undefined || isWriteTotals(written);
}

/** Whether a control line's refused mutations are valid or absent. */
function isRefused(refused: unknown, last: number): refused is SequenceSpan[] | undefined {
  return refused === undefined || isRanges(refused, 1, last);
}

/** Whether a line was never ours: a comment as the Rust crates write it, or JSON without our mark. */
function looksForeign(line: Uint8Array): boolean {
  const text = decoder.decode(line.subarray(0, 4096));
  if (text.startsWith("//")) return true;
  const value = parseJson(text);
  return value !== undefined && (value as { ministate?: unknown } | null)?.ministate === undefined;
}

/**
 * Scans a piece of a segment for sound batches and seals.
 *
 * Stops at the first byte that doesn't fit. `consumed < bytes.length` without damage means that the rest is an
 * unfinished batch: call again with more bytes, or with `atEnd` when there are none.
 *
 * @param expected the sequence that the next record must have
 */
export function scanBatches(piece: SegmentPiece, expected: number, atEnd: boolean): ScanResult {
  const { bytes, base } = piece;
  const batches: Batch[] = [];
  const seals: Seal[] = [];
  let refused: readonly SequenceSpan[] | null = null;
  let at = 0;
  let soundEnd = -1;
  let sealed: boolean | null = null;
  let stop: Run["stop"];
  while (at < bytes.length && stop === undefined) {
    const first = bytes[at];
    if (first === LINE_FEED) {
      at = skipLineFeeds(bytes, at);
    } else if (first === BRACKET_OPEN) {
      const run = readRun(piece, at, expected);
      for (const batch of run.batches) {
        batches.push(batch);
        refused = null;
        expected = batch.sequenceLast + 1;
        at = soundEnd = batch.offsetEnd - base;
        sealed = false;
      }
      stop = run.stop;
    } else {
      const seal = readSeal(piece, at, expected);
      if (seal === null || typeof seal === "string") {
        stop = seal;
      } else {
        seals.push(seal);
        refused = seal.refused ?? refused;
        at = soundEnd = seal.offsetEnd - base;
        sealed = true;
      }
    }
  }
  const reason = stop === null && atEnd ? "unterminated" : stop ?? null;
  const damage = reason === null ? null : { offset: base + at, reason };
  return { batches, seals, consumed: at, soundEnd, sealed, refused, damage };
}

/** Reads a seal. If it is not sound, returns why, or `null` when its end is not among the bytes. */
function readSeal(
  { bytes, base, seed, crc32 }: SegmentPiece,
  at: number,
  expected: number,
): Seal | DamageReason | null {
  const end = bytes.indexOf(LINE_FEED, at);
  if (end < 0) return bytes.length - at > LINE_SIZE_MAX ? "too large" : null;
  const control = readControlLine(bytes.subarray(at, end), crc32, seed);
  if (control === null) return "malformed";
  const { seal, written, refused, undecided } = control.content;
  if (!isWritten(written)) return "malformed";
  // A sound seal for another sequence: records before it are missing, or the seal is out of place.
  if (seal !== expected - 1) return "gap";
  if (!isRefused(refused, seal as number)) return "malformed";
  return {
    offset: base + at,
    offsetEnd: base + end + 1,
    refused: undecided === true ? null : refused ?? NO_RANGES,
    written,
    compactionFailure: readCompactionFailure(control.content.compactionFailure),
  };
}

/** Reads consecutive batches; also returns why the next one could not be read, as {@linkcode Run} does. */
function readRun(
  { bytes, base, seed, crc32 }: SegmentPiece,
  at: number,
  expected: number,
): { batches: Batch[]; stop: Run["stop"] } {
  const run = verifyRun(bytes, at, seed, crc32);
  if (run.lineCounts.length === 0) return { batches: [], stop: run.stop };
  const batches = parseRun(bytes, at, base, run);
  let count = 0;
  for (const batch of batches) {
    // A verified batch must continue where the one before it ended.
    if (batch.sequenceFirst !== expected) {
      const stop = batch.sequenceFirst > expected ? "gap" : "repeated";
      return { batches: batches.slice(0, count), stop };
    }
    expected = batch.sequenceLast + 1;
    count++;
  }
  return { batches, stop: batches.length < run.lineCounts.length ? "malformed" : run.stop };
}
