/**
 * Builds a segment from parts, sound and other, on a simulated disk.
 *
 * @module
 */

import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { crc32 } from "node:zlib";
import {
  BatchEncoder,
  type Beginning,
  encodeBeginning,
  encodeHeader,
  encodeSeal,
} from "../../src/format/encode.ts";
import type { SegmentHeader } from "../../src/format/format.ts";
import { type NamedFile, segmentFile } from "../../src/disk/names.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import { freshDisk } from "../../simulation/workloads.ts";

/** The journal that the segment belongs to. */
export const IDENTITY = {
  directory: "/data",
  stem: "w",
  edition: 1,
  editionFirsts: [],
  id: "0",
  mutator: null,
  version: 1,
};

/**
 * A batch with a mutation of `pad` characters, line feeds, a seal of that sequence, text as given. `rotten`: a bit
 * in it is flipped.
 */
export type Part =
  | { pad: number; count?: number; rotten?: boolean }
  | { lineFeeds: number }
  | { seal: number }
  | { text: string };

/** A segment, and where each of its parts begins. */
export interface Segment {
  fs: PowerCutDisk;
  file: NamedFile;
  starts: number[];
  size: number;
}

/** The beginning of a segment that holds no initial state. */
export function beginningOf(header: SegmentHeader): Beginning {
  return encodeBeginning(header, null, crc32);
}

/** Builds a segment whose first record is `first`. */
export function segmentOf(parts: readonly Part[], first = 1): Segment {
  const fs = freshDisk();
  const file = segmentFile(IDENTITY, first);
  const { bytes, checksum } = encodeHeader(
    segmentHeader(IDENTITY, first, { checksum: null }, 0),
    fs.crc32,
  );
  const encoder = new BatchEncoder(fs.crc32);
  const pieces = [bytes];
  const starts: number[] = [];
  let size = bytes.length;
  let sequence = first - 1;
  for (const part of parts) {
    let piece: Uint8Array<ArrayBufferLike>;
    if ("seal" in part) piece = encodeSeal({ sequence: part.seal }, fs.crc32, checksum);
    else if ("text" in part) piece = new TextEncoder().encode(part.text);
    else if ("lineFeeds" in part) piece = new Uint8Array(part.lineFeeds).fill(10);
    else {
      const texts = Array(part.count ?? 1).fill(JSON.stringify("x".repeat(part.pad)));
      piece = encoder.encode(texts, sequence, 0, checksum).slice();
      sequence += texts.length;
      if (part.rotten) piece[piece.length - 5]! ^= 1;
    }
    starts.push(size);
    pieces.push(new Uint8Array(piece));
    size += piece.length;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  fs.plant(file.path, all);
  return { fs, file, starts, size };
}
