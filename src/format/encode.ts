/**
 * Writes the lines of a journal: header, batches of records, seals. The reading side is scan.ts; docs/format.md
 * describes every byte.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { encodeBatchEnd } from "./batch_end.ts";
import type { DirectoryNotes, SegmentHeader, SnapshotHeader } from "./format.ts";

/** CRC-32 of `bytes`, continued from `seed`. */
export type Crc32 = DurableFs["crc32"];

const encoder = new TextEncoder();

/** The largest buffer that is kept between batches. */
const BUFFER_KEPT_MAX = 1024 * 1024;

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

/**
 * Encodes a seal: everything up to `sequence` was synced before this line was written.
 *
 * @param notes about the directory at that point
 */
export function encodeSeal(
  sequence: number,
  crc32: Crc32,
  seed: number,
  notes?: DirectoryNotes,
): Uint8Array {
  return encodeControlLine({ seal: sequence, ...notes }, crc32, seed).bytes;
}

/** Encodes batches into one reused buffer. The bytes are valid until the next call. */
export class BatchEncoder {
  #buffer = new Uint8Array(64 * 1024);
  readonly #crc32: Crc32;

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  /**
   * @param texts the mutations as JSON, at least one
   * @param horizon the highest sequence known to be synced; the first record of the batch is the next one
   */
  encode(texts: readonly string[], horizon: number, timestamp: number, seed: number): Uint8Array {
    let lines = "";
    let sequence = horizon;
    const last = texts.length - 1;
    for (let i = 0; i < last; i++) lines += `[${++sequence},${texts[i]}]\n`;
    lines += `[${++sequence},${texts[last]}${encodeBatchEnd(horizon, timestamp)}`;
    // A UTF-16 code unit takes at most three bytes of UTF-8.
    const sizeMax = lines.length * 3 + 12;
    const buffer = this.#bufferOf(sizeMax);
    const size = encoder.encodeInto(lines, buffer).written;
    const checksum = this.#crc32(buffer.subarray(0, size), seed);
    const tail = encoder.encodeInto(`"${hex8(checksum)}"]\n`, buffer.subarray(size)).written;
    return buffer.subarray(0, size + tail);
  }

  /** The reused buffer, or a temporary one for an unusually large batch. */
  #bufferOf(size: number): Uint8Array {
    if (size > BUFFER_KEPT_MAX) return new Uint8Array(size);
    if (this.#buffer.length < size) this.#buffer = new Uint8Array(size);
    return this.#buffer;
  }
}
