// Tests that a segment is read exactly for lines and pieces of any size: no batch is missed, and none returned too soon.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CorruptionError } from "@ministate/ministate";
import { batchChecksumAt } from "../../src/format/batch_scan.ts";
import { BATCH_SIZE_MAX } from "../../src/format/format.ts";
import { segmentFile } from "../../src/disk/names.ts";
import { SegmentReader } from "../../src/journal/segment_reader.ts";
import { IDENTITY, type Part, segmentOf } from "../support/segment.ts";

/** The size of the first read. */
const CHUNK_SIZE = 64 * 1024;

async function readAll(reader: SegmentReader, limit = Infinity): Promise<number[]> {
  const sequences: number[] = [];
  for (let batches; (batches = await reader.read(limit)) !== null;) {
    sequences.push(...batches.map(({ sequenceLast }) => sequenceLast));
  }
  return sequences;
}

const sizes = [
  0,
  1,
  7,
  CHUNK_SIZE - 200,
  CHUNK_SIZE,
  CHUNK_SIZE + 1,
  3 * CHUNK_SIZE,
  5 * CHUNK_SIZE,
];

test("read() gives every batch when line feeds and a seal lie between batches of any size", async () => {
  for (const lineFeeds of sizes) {
    for (const pad of sizes) {
      const parts = [{ pad: 10 }, { seal: 1 }, { lineFeeds }, { pad }, { lineFeeds: 3 }, {
        pad: 1,
      }];
      const { fs, file, size } = segmentOf(parts);
      const reader = await SegmentReader.open(fs, file);
      assertEquals(await readAll(reader), [1, 2, 3], `${lineFeeds} line feeds, a pad of ${pad}`);
      assertEquals([reader.soundEnd, reader.damage, reader.sealed], [size, null, false]);
      await reader.close();
    }
  }
});

test("read() returns exactly the batches up to its limit, and the rest once the limit has moved", async () => {
  const { fs, file, starts, size } = segmentOf(
    Array.from({ length: 40 }, (_, i) => ({ pad: (i * 7919) % (CHUNK_SIZE * 1.5) })),
  );
  const ends = [...starts.slice(1), size];
  for (const [index, limit] of ends.entries()) {
    const reader = await SegmentReader.open(fs, file);
    const expected = Array.from({ length: index + 1 }, (_, i) => i + 1);
    assertEquals(await readAll(reader, limit), expected);
    assertEquals([reader.soundEnd, reader.damage], [limit, null]);
    const next = ends[index + 1];
    if (next !== undefined) assertEquals(await readAll(reader, next), [index + 2]);
    await reader.close();
  }
});

test("read() stops at rubbish between batches, and says where", async () => {
  for (const pad of sizes) {
    const text = "rubbish\n";
    const { fs, file, starts } = segmentOf([{ pad: 1 }, { pad }, { text }, { pad: 5 }]);
    const reader = await SegmentReader.open(fs, file);
    assertEquals(await readAll(reader), [1, 2]);
    assertEquals([reader.soundEnd, reader.damage?.offset], [starts[2], starts[2]]);
    await reader.close();
  }
});

test("read() knows where the last batch begins, and the last seal", async () => {
  for (const sealed of [true, false]) {
    const parts: Part[] = [{ pad: 10 }, { pad: 20 }, ...(sealed ? [{ seal: 2 }] : [])];
    const { fs, file, starts, size } = segmentOf(parts);
    const reader = await SegmentReader.open(fs, file);
    await readAll(reader);
    assertEquals([reader.lastStart, reader.sealed, reader.soundEnd], [
      starts[sealed ? 2 : 1],
      sealed,
      size,
    ]);
    await reader.close();
  }
});

test("read() gives up on a line that is larger than any batch, with bounded memory", async () => {
  const { fs, file } = segmentOf([{ pad: 1 }, { pad: BATCH_SIZE_MAX + 2 * CHUNK_SIZE }]);
  const reader = await SegmentReader.open(fs, file);
  assertEquals(await readAll(reader), [1]);
  assert(reader.damage !== null);
  await reader.close();
});

test("SegmentReader.open() refuses a segment under another one's name", async () => {
  const { fs, file } = segmentOf([{ pad: 1 }]);
  const other = segmentFile(IDENTITY, 2);
  fs.plant(other.path, fs.peek(file.path)!);
  await assertRejects(() => SegmentReader.open(fs, other), CorruptionError);
});

test("batchChecksumAt() reads eight lower-case hexadecimal digits, and nothing else", () => {
  const read = (digits: string) => {
    const bytes = new TextEncoder().encode(`[1,1,0,0,"${digits}"]\n`);
    return batchChecksumAt(bytes, 0, bytes.length - 1);
  };
  assertEquals(read("0123abcf"), 0x0123abcf);
  assertEquals(read("99999999"), 0x99999999);
  for (const other of ["/", ":", "`", "g", "z", "A", "F", " ", "-", "\x7f"]) {
    for (let at = 0; at < 8; at++) {
      assertEquals(read("0".repeat(at) + other + "0".repeat(7 - at)), -1, `${other} at ${at}`);
    }
  }
});
