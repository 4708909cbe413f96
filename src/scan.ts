/**
 * Reads the lines of a journal out of bytes: verifies headers, batches and seals, and says where they stop
 * being sound. Pure: bytes in, values out. The writing side is encode.ts; docs/format.md describes every byte.
 *
 * @module
 */

import { type Crc32, hex8 } from "./encode.ts";
import {
  BATCH_TAIL_SIZE,
  CONTROL_TAIL_SIZE,
  FORMAT,
  isCount,
  LINE_FEED,
  LINE_SIZE_MAX,
  type SegmentHeader,
  type SnapshotHeader,
} from "./format.ts";

/** A verified batch: what one write and one sync made durable. */
export interface Batch {
  /** Where its first byte stands in the segment. */
  offset: number;
  /** Where the byte behind its last line feed stands. */
  offsetEnd: number;
  sequenceFirst: number;
  sequenceLast: number;
  timestamp: number;
  /** The mutations in sequence order, freshly parsed: nobody else holds them. */
  mutations: unknown[];
}

/** Why bytes are not sound. */
export type DamageReason =
  | "malformed"
  | "checksum"
  | "unterminated"
  | "gap"
  | "repeated"
  | "too large";

/** The first place at which a scan could not go on. */
export interface Damage {
  offset: number;
  reason: DamageReason;
}

/** What one call of {@linkcode scanBatches} found. */
export interface ScanResult {
  batches: Batch[];
  /** How many bytes were dealt with; the rest wants more bytes behind it. */
  consumed: number;
  /** Where the last sound line ends, relative to the bytes given; -1 when there was none. */
  soundEnd: number;
  /** Whether the last sound line was a seal. */
  sealed: boolean | null;
  damage: Damage | null;
}

const BRACKET_OPEN = 0x5b, BRACKET_CLOSE = 0x5d, BRACE_OPEN = 0x7b, QUOTE = 0x22, COMMA = 0x2c;
const decoder = new TextDecoder();

/** Reads a checksum's eight digits at `at`, or -1 when something else stands there. */
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

/** The checksum that the line ending before `lineEnd` carries as the last line of a batch, or -1. */
export function batchChecksumAt(bytes: Uint8Array, lineStart: number, lineEnd: number): number {
  const tail = lineEnd + 1 - BATCH_TAIL_SIZE;
  return tail > lineStart && bytes[lineEnd - 1] === BRACKET_CLOSE && bytes[lineEnd - 2] === QUOTE &&
      bytes[tail] === QUOTE && bytes[tail - 1] === COMMA
    ? readHex8(bytes, tail + 1)
    : -1;
}

/** Parses JSON; `undefined` for what is none (a mutation is never `undefined`). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

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

/** What a first line turned out to be. */
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
  const sound = isCount(position) && isCount(content.version) && typeof content.id === "string" &&
    (content.mutator === null || typeof content.mutator === "string");
  return sound
    ? { kind: "sound", header: content as unknown as H, checksum, size: end + 1 }
    : { kind: "damaged" };
}

/** A line that was never ours: a comment as the Rust crates write it, or JSON without our mark. */
function looksForeign(line: Uint8Array): boolean {
  const text = decoder.decode(line.subarray(0, 4096));
  if (text.startsWith("//")) return true;
  const value = parseJson(text);
  return value !== undefined && (value as { ministate?: unknown } | null)?.ministate === undefined;
}

/**
 * Scans bytes that start at a line's beginning for sound batches and seals.
 *
 * Stops at the first byte that is not explained. `consumed < bytes.length` without damage means that the rest
 * is an unfinished batch: call again with more bytes, or with `atEnd` when there are none.
 *
 * @param base the position of `bytes[0]` in the file, for the offsets in the result
 * @param expected the sequence that the next record must have
 * @param seed the checksum of the segment's header
 */
export function scanBatches(
  bytes: Uint8Array,
  base: number,
  expected: number,
  seed: number,
  crc32: Crc32,
  atEnd: boolean,
): ScanResult {
  const result: ScanResult = { batches: [], consumed: 0, soundEnd: -1, sealed: null, damage: null };
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at];
    if (first === LINE_FEED) {
      // The fill is one run of line feeds: step over it in this tight loop.
      do at++; while (at < bytes.length && bytes[at] === LINE_FEED);
      result.consumed = at;
      continue;
    }
    const step = first === BRACKET_OPEN
      ? scanBatch(bytes, at, base, expected, seed, crc32)
      : scanSeal(bytes, at, expected, seed, crc32);
    if (step === null && !atEnd) return result;
    if (step === null || "reason" in step) {
      result.damage = { offset: base + at, reason: step?.reason ?? "unterminated" };
      return result;
    }
    at = step.end;
    result.consumed = at;
    result.soundEnd = at;
    result.sealed = step.batch === null;
    if (step.batch !== null) {
      result.batches.push(step.batch);
      expected = step.batch.sequenceLast + 1;
    }
  }
  return result;
}

/** A sound line or batch; or why it isn't one; or `null` when its end is not among the bytes. */
type Step = { end: number; batch: Batch | null } | { reason: DamageReason } | null;

function scanSeal(
  bytes: Uint8Array,
  at: number,
  expected: number,
  seed: number,
  crc32: Crc32,
): Step {
  const end = bytes.indexOf(LINE_FEED, at);
  if (end < 0) return bytes.length - at > LINE_SIZE_MAX ? { reason: "too large" } : null;
  const control = readControlLine(bytes.subarray(at, end), crc32, seed);
  if (control === null) return { reason: "malformed" };
  // A sound seal for another sequence: the records between are missing, or the seal is out of place.
  if (control.content.seal !== expected - 1) return { reason: "gap" };
  return { end: end + 1, batch: null };
}

function scanBatch(
  bytes: Uint8Array,
  at: number,
  base: number,
  expected: number,
  seed: number,
  crc32: Crc32,
): Step {
  let lineStart = at;
  for (;;) {
    const lineEnd = bytes.indexOf(LINE_FEED, lineStart);
    if (lineEnd < 0) {
      return bytes.length - lineStart > LINE_SIZE_MAX ? { reason: "too large" } : null;
    }
    if (bytes[lineStart] !== BRACKET_OPEN) return { reason: "malformed" };
    const checksum = batchChecksumAt(bytes, lineStart, lineEnd);
    if (checksum >= 0) {
      const body = bytes.subarray(at, lineEnd + 1 - BATCH_TAIL_SIZE);
      if (crc32(body, seed) === checksum) {
        const batch = parseBatch(
          decoder.decode(bytes.subarray(at, lineEnd)),
          base + at,
          base + lineEnd + 1,
        );
        return checkOrder(batch, expected, lineEnd + 1);
      }
      // A record whose mutation is a string of eight hexadecimal digits looks like the end of a batch.
      const line = parseJson(decoder.decode(bytes.subarray(lineStart, lineEnd)));
      if (!Array.isArray(line) || line.length !== 2) return { reason: "checksum" };
    }
    lineStart = lineEnd + 1;
  }
}

/** A verified batch must go on where the one before ended. */
function checkOrder(batch: Batch | null, expected: number, end: number): Step {
  if (batch === null) return { reason: "malformed" };
  if (batch.sequenceFirst !== expected) {
    return { reason: batch.sequenceFirst > expected ? "gap" : "repeated" };
  }
  return { end, batch };
}

/** Parses the text of a batch whose checksum is right; `null` when its lines contradict each other. */
export function parseBatch(text: string, offset: number, offsetEnd: number): Batch | null {
  // Records hold no raw line feed (JSON escapes them), so joining the lines gives one JSON array.
  const lines = parseJson(text.includes("\n") ? `[${text.replaceAll("\n", ",")}]` : `[${text}]`);
  if (!Array.isArray(lines)) return null;
  const last = lines[lines.length - 1];
  if (!Array.isArray(last) || last.length !== 5) return null;
  const [sequenceLast, , horizon, timestamp] = last;
  if (!isCount(horizon) || !isCount(sequenceLast) || typeof timestamp !== "number") return null;
  // The horizon is the sequence before the batch: all that is not synced yet is in this batch.
  if (horizon + lines.length !== sequenceLast) return null;
  const mutations: unknown[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const fields = i === lines.length - 1 ? 5 : 2;
    if (!Array.isArray(line) || line.length !== fields || line[0] !== horizon + 1 + i) return null;
    mutations.push(line[1]);
  }
  return { offset, offsetEnd, sequenceFirst: horizon + 1, sequenceLast, timestamp, mutations };
}
