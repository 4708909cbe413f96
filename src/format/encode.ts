/**
 * Writes the lines of a journal: header, batches of records, seals. The reading side is scan.ts; docs/format.md
 * describes every byte.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { type BatchNotes, encodeBatchEnd } from "./batch_end.ts";
import type { DirectoryNotes, SegmentHeader, SnapshotHeader } from "./format.ts";
import type { SequenceSpan } from "./ranges.ts";

/** CRC-32 of `bytes`, continued from `seed`. */
export type Crc32 = DurableFs["crc32"];

const encoder = new TextEncoder();

/** The largest buffer that is kept between batches. */
const BUFFER_KEPT_MAX = 4 * 1024 * 1024;

/** The eight lower-case hexadecimal digits in which checksums are written. */
export function hex8(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}

/**
 * Encodes one control line: the object's JSON with its checksum as the last member.
 *
 * @param seed 0 for a header, the header's checksum for every other line of the file
 */
export function encodeControlLine(
  content: object,
  crc32: Crc32,
  seed: number,
): { bytes: Uint8Array; checksum: number } {
  const open = JSON.stringify(content).slice(0, -1);
  const checksum = crc32(encoder.encode(open), seed);
  return { bytes: encoder.encode(`${open},"crc":"${hex8(checksum)}"}\n`), checksum };
}

/** Encodes the first line of a segment or snapshot. Its checksum seeds all others in the file. */
export function encodeHeader(
  header: SegmentHeader | SnapshotHeader,
  crc32: Crc32,
): { bytes: Uint8Array; checksum: number } {
  return encodeControlLine(header, crc32, 0);
}

/** The first bytes of a segment. */
export interface Beginning {
  bytes: Uint8Array;
  header: SegmentHeader;
  /** The header's checksum. */
  checksum: number;
}

/**
 * Encodes a segment's header, and after it the initial state.
 *
 * @param initial the lines of the state; `null` when the segment holds none
 */
export function encodeBeginning(
  header: SegmentHeader,
  initial: Iterable<string> | null,
  crc32: Crc32,
): Beginning {
  if (initial === null) return { ...encodeHeader(header, crc32), header };
  const lines = [...initial];
  const state = encoder.encode(`${lines.join("\n")}\n`);
  const content = { initial: lines.length };
  // Its size doesn't depend on its checksum.
  const endSize = encodeControlLine(content, crc32, 0).bytes.length;
  const whole: SegmentHeader = { ...header, initial: state.length + endSize };
  const { bytes: first, checksum } = encodeHeader(whole, crc32);
  const end = encodeControlLine(content, crc32, crc32(state, checksum));
  const bytes = new Uint8Array(first.length + state.length + endSize);
  bytes.set(first);
  bytes.set(state, first.length);
  bytes.set(end.bytes, first.length + state.length);
  return { bytes, header: whole, checksum };
}

/** What a seal says. */
export interface SealContent extends DirectoryNotes {
  /** Everything up to this sequence was synced before the seal was written. */
  sequence: number;
  /** The mutations of the last batch that were refused. */
  refused?: readonly SequenceSpan[] | undefined;
  /** Whether the seal doesn't say what became of the last batch, because no program has run it. */
  undecided?: true | undefined;
}

/** Encodes a seal. */
export function encodeSeal(content: SealContent, crc32: Crc32, seed: number): Uint8Array {
  const { sequence, refused, undecided, written, compactionFailure } = content;
  const line = { seal: sequence, refused, undecided, written, compactionFailure };
  return encodeControlLine(line, crc32, seed).bytes;
}

/** Encodes batches into one reused buffer. The bytes are valid until the next call. */
export class BatchEncoder {
  #buffer = new Uint8Array(64 * 1024);
  readonly #crc32: Crc32;
  /** The checksum of the latest batch. */
  checksum = 0;

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  /**
   * @param texts the mutations as JSON, at least one
   * @param horizon the highest sequence known to be synced; the first record of the batch is the next one
   */
  encode(
    texts: readonly string[],
    horizon: number,
    timestamp: number,
    seed: number,
    notes?: BatchNotes,
  ): Uint8Array {
    let lines = "";
    let sequence = horizon;
    const last = texts.length - 1;
    for (let i = 0; i < last; i++) lines += `[${++sequence},${texts[i]}]\n`;
    lines += `[${++sequence},${texts[last]}${encodeBatchEnd(horizon, timestamp, notes)}`;
    // A UTF-16 code unit takes at most three bytes of UTF-8.
    const sizeMax = lines.length * 3 + 12;
    const buffer = this.#bufferOf(sizeMax);
    const size = encoder.encodeInto(lines, buffer).written;
    this.checksum = this.#crc32(buffer.subarray(0, size), seed);
    const tail = encoder.encodeInto(`"${hex8(this.checksum)}"]\n`, buffer.subarray(size)).written;
    return buffer.subarray(0, size + tail);
  }

  /** The reused buffer, or a temporary one for an unusually large batch. */
  #bufferOf(size: number): Uint8Array {
    if (size > BUFFER_KEPT_MAX) return new Uint8Array(size);
    if (this.#buffer.length < size) this.#buffer = new Uint8Array(size);
    return this.#buffer;
  }
}
