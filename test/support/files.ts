// Builds and changes files of a state directory byte by byte, as other programs or damage could have left them.

import { readFile, writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { SegmentHeader, SnapshotHeader } from "../../src/format/format.ts";

/** The name of the segment or snapshot of the tests' journal that begins with, or is of, `sequence`. */
export function fileName(kind: "wal" | "snapshot", sequence: number): string {
  return `test-${String(sequence).padStart(16, "0")}.${kind}.jsonl`;
}

/** A control line with its checksum, as docs/format.md gives it. */
export function controlLine(content: object, seed = 0): string {
  const open = JSON.stringify(content).slice(0, -1);
  return `${open},"crc":"${hex8(crc32(open, seed))}"}\n`;
}

/** The lines of one batch; `seed` is the checksum of its segment's header. */
export function batchLines(
  first: number,
  mutations: unknown[],
  timestamp: number,
  seed: number,
): string {
  const lines = mutations.map((mutation, i) => `[${first + i},${JSON.stringify(mutation)}`);
  const body = `${lines.join("]\n")},${first - 1},${timestamp},`;
  return `${body}"${hex8(crc32(body, seed))}"]\n`;
}

/** The checksum that a control line carries. */
export function checksumOf(line: string): number {
  return parseInt(line.trimEnd().slice(-10, -2), 16);
}

function hex8(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}

/** A segment's header as it was first written. */
export const segmentHeader: SegmentHeader = {
  ministate: "journal",
  format: 1,
  id: "0123456789abcdef",
  first: 1,
  mutator: null,
  version: 1,
  timestamp: 0,
};

/** A snapshot's header as it was first written. */
export const snapshotHeader: SnapshotHeader = {
  ministate: "snapshot",
  format: 1,
  id: "0123456789abcdef",
  sequence: 1,
  mutator: null,
  version: 1,
  timestamp: 0,
};

/** Reads a file, changes its text, and writes it back. */
export async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, "utf8")));
}
