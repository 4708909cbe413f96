/**
 * Reads batches from bytes: finds where each ends, verifies its checksum, and parses the lines of many at once.
 * Pure. The writing side is encode.ts.
 *
 * @module
 */

import type { Crc32 } from "./encode.ts";
import { batchEndOf, LINE_FIELDS } from "./batch_end.ts";
import type { SequenceSpan } from "./ranges.ts";
import { parseJson } from "./json_parse.ts";
import { BATCH_TAIL_SIZE, LINE_FEED, LINE_SIZE_MAX, SEQUENCE_MAX } from "./format.ts";

/** A verified batch: what one write and one sync made durable. */
export interface Batch {
  /** The offset of its first byte in the segment. */
  offset: number;
  /** The offset of the byte after its last line feed. */
  offsetEnd: number;
  sequenceFirst: number;
  sequenceLast: number;
  timestamp: number;
  /** The checksum on its last line. */
  checksum: number;
  /** The mutations in sequence order. They are freshly parsed, so no one else holds a reference to them. */
  mutations: unknown[];
  /** Its atomic groups of two mutations or more. */
  groups: readonly SequenceSpan[];
  /** The mutations of the batch before it that were refused. The others were accepted. */
  refused: readonly SequenceSpan[];
}

/** What is known of a batch before its lines are parsed. */
type BatchPlace = Pick<Batch, "offset" | "offsetEnd" | "checksum">;

/** Why bytes are not sound. */
export type DamageReason =
  | "malformed"
  | "checksum"
  | "unterminated"
  | "gap"
  | "repeated"
  | "too large";

/** Consecutive batches without a gap. Their checksums are verified, their lines are not yet parsed. */
export interface Run {
  /** Where each line ends: the position of its line feed. */
  lineEnds: number[];
  /** The number of lines in each batch. */
  lineCounts: number[];
  /**
   * Why the run ends here: damage; `null` when the bytes end within a batch; `undefined` when something else follows.
   */
  stop: DamageReason | null | undefined;
}

const BRACKET_OPEN = 0x5b, BRACKET_CLOSE = 0x5d, QUOTE = 0x22, COMMA = 0x2c;
const SPACE = 0x20, ZERO = 0x30;

/** A run takes no further batch once it is this large: parsing more at once only uses more memory. */
const RUN_SIZE_TARGET = 8 * 1024;

const decoder = new TextDecoder();

/** Where the lines of a run are joined into one JSON array before decoding. A longer run gets its own buffer. */
const sharedScratch = new Uint8Array(2 * RUN_SIZE_TARGET);

/** Reads a checksum's eight digits at `at`; -1 if there is something else. */
function readHex8(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) {
    const c = bytes[i]!;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** The checksum that the line before `lineEnd` carries if it is the last line of a batch, or -1. */
export function batchChecksumAt(bytes: Uint8Array, lineStart: number, lineEnd: number): number {
  const tail = lineEnd + 1 - BATCH_TAIL_SIZE;
  return tail > lineStart && bytes[lineEnd - 1] === BRACKET_CLOSE && bytes[lineEnd - 2] === QUOTE &&
      bytes[tail] === QUOTE && bytes[tail - 1] === COMMA
    ? readHex8(bytes, tail + 1)
    : -1;
}

/** Verifies consecutive batches, starting at `at`. */
export function verifyRun(bytes: Uint8Array, at: number, seed: number, crc32: Crc32): Run {
  const lineEnds: number[] = [];
  const lineCounts: number[] = [];
  const target = at + RUN_SIZE_TARGET;
  while (at < target && bytes[at] === BRACKET_OPEN) {
    const linesBefore = lineEnds.length;
    const end = verifyBatch(bytes, at, seed, crc32, lineEnds);
    if (typeof end !== "number") {
      lineEnds.length = linesBefore;
      return { lineEnds, lineCounts, stop: end };
    }
    lineCounts.push(lineEnds.length - linesBefore);
    at = end;
  }
  return { lineEnds, lineCounts, stop: undefined };
}

/**
 * Verifies one batch, adds where its lines end to `lineEnds`, and returns where it ends itself. If it is not sound,
 * returns why, or `null` when its end is not among the bytes.
 */
function verifyBatch(
  bytes: Uint8Array,
  at: number,
  seed: number,
  crc32: Crc32,
  lineEnds: number[],
): number | DamageReason | null {
  let lineStart = at;
  // Carried over from one look-alike to the next, so that a journal full of them is read once, not once for each.
  let sum = seed;
  let summedEnd = at;
  for (;;) {
    const lineEnd = bytes.indexOf(LINE_FEED, lineStart);
    if (lineEnd < 0) return bytes.length - lineStart > LINE_SIZE_MAX ? "too large" : null;
    if (bytes[lineStart] !== BRACKET_OPEN) return "malformed";
    lineEnds.push(lineEnd);
    const checksum = batchChecksumAt(bytes, lineStart, lineEnd);
    if (checksum >= 0) {
      const tail = lineEnd + 1 - BATCH_TAIL_SIZE;
      sum = crc32(bytes.subarray(summedEnd, tail), sum);
      summedEnd = tail;
      if (sum === checksum) return lineEnd + 1;
      // A record whose mutation is a string of eight hexadecimal digits looks like the end of a batch.
      const line = parseJson(decoder.decode(bytes.subarray(lineStart, lineEnd)));
      if (!Array.isArray(line) || line.length !== LINE_FIELDS) return "checksum";
    }
    lineStart = lineEnd + 1;
  }
}

/**
 * Parses the batches of a run in order, up to the first whose lines contradict each other.
 *
 * @param base the position of `bytes[0]` in the file, for the offsets in the result
 */
export function parseRun(bytes: Uint8Array, at: number, base: number, run: Run): Batch[] {
  const { lineEnds, lineCounts } = run;
  const lines = parseJson(textOf(bytes, at, run));
  // The checksums are right but the lines are not JSON: made by hand. Parse one by one to find the first bad batch.
  const together = Array.isArray(lines) && lines.length === lineEnds.length;
  const batches: Batch[] = [];
  let lineFirst = 0;
  for (const lineCount of lineCounts) {
    const end = lineEnds[lineFirst + lineCount - 1]! + 1;
    const checksum = readHex8(bytes, end - BATCH_TAIL_SIZE + 1);
    const place = { offset: base + at, offsetEnd: base + end, checksum };
    const batch = together
      ? toBatch(lines, lineFirst, lineCount, place)
      : parseBatch(decoder.decode(bytes.subarray(at, end - 1)), place);
    if (batch === null) break;
    batches.push(batch);
    lineFirst += lineCount;
    at = end;
  }
  return batches;
}

/**
 * The lines of a run as one JSON array. Each checksum is verified by now and becomes a 0. A million short strings, all
 * different, would fill the engine's string table, which took more memory than everything else.
 */
function textOf(bytes: Uint8Array, at: number, { lineEnds, lineCounts }: Run): string {
  const size = lineEnds[lineEnds.length - 1]! - at;
  const scratch = size + 2 <= sharedScratch.length ? sharedScratch : new Uint8Array(size + 2);
  scratch[0] = BRACKET_OPEN;
  scratch.set(bytes.subarray(at, at + size), 1);
  const shift = 1 - at;
  // Records hold no raw line feed (JSON escapes it), so each one separates two records.
  for (const lineEnd of lineEnds) scratch[lineEnd + shift] = COMMA;
  let line = -1;
  for (const lineCount of lineCounts) {
    line += lineCount;
    const tail = lineEnds[line]! + 1 - BATCH_TAIL_SIZE + shift;
    scratch[tail] = ZERO;
    scratch.fill(SPACE, tail + 1, tail + BATCH_TAIL_SIZE - 2);
  }
  scratch[size + 1] = BRACKET_CLOSE;
  return decoder.decode(scratch.subarray(0, size + 2));
}

/** Parses the text of a batch with a correct checksum; `null` when its lines contradict each other. */
export function parseBatch(text: string, place: BatchPlace): Batch | null {
  const lines = parseJson(`[${text.replaceAll("\n", ",")}]`);
  return Array.isArray(lines) ? toBatch(lines, 0, lines.length, place) : null;
}

/** Makes a batch of `count` parsed lines, starting at `first`; `null` when they contradict each other. */
function toBatch(
  lines: unknown[],
  first: number,
  count: number,
  { offset, offsetEnd, checksum }: BatchPlace,
): Batch | null {
  const end = batchEndOf(lines[first + count - 1]);
  if (end === null) return null;
  const { horizon, timestamp, groups, refused } = end;
  // The horizon is the sequence before the batch: everything not yet synced is in this batch.
  const sequenceLast = horizon + count;
  if (sequenceLast > SEQUENCE_MAX) return null;
  if (groups.length > 0 && groups[groups.length - 1]![1] > sequenceLast) return null;
  const mutations: unknown[] = [];
  for (let i = 0; i < count; i++) {
    const line = lines[first + i];
    const isLast = i === count - 1;
    if (!Array.isArray(line) || !isLast && line.length !== LINE_FIELDS) return null;
    if (line[0] !== horizon + 1 + i) return null;
    mutations.push(line[1]);
  }
  const sequenceFirst = horizon + 1;
  return {
    offset,
    offsetEnd,
    sequenceFirst,
    sequenceLast,
    timestamp,
    checksum,
    mutations,
    groups,
    refused,
  };
}
