// Tests that a copy has every byte of its source, although zeros are not written.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { copyRange } from "../../src/disk/copy_range.ts";
import { freshDisk } from "../../simulation/workloads.ts";

const PIECE_SIZE = 256 * 1024;

test("copyRange() copies zeros, and a single other byte at any place among them", async () => {
  for (const size of [0, 1, 5, PIECE_SIZE - 1, PIECE_SIZE, 2 * PIECE_SIZE + 7]) {
    const places = [0, 1, 3, 4, PIECE_SIZE - 1, PIECE_SIZE, size - 1];
    for (const place of [-1, ...new Set(places.filter((place) => place >= 0 && place < size))]) {
      const disk = freshDisk();
      const bytes = new Uint8Array(size);
      if (place >= 0) bytes[place] = 1;
      disk.plant("/data/source", bytes);
      assertEquals(await copyRange(disk, "/data/source", 0, Infinity, "/data/target"), size);
      assertEquals(disk.peek("/data/target"), bytes, `${size} bytes, byte ${place}`);
    }
  }
});

test("copyRange() writes nothing for a piece of zeros", async () => {
  const disk = freshDisk();
  disk.plant("/data/source", new Uint8Array(8 * PIECE_SIZE));
  await copyRange(disk, "/data/source", 0, Infinity, "/data/target");
  const writes = disk.log.filter((call) => call.startsWith("write"));
  assertEquals(writes.length, 1, "the last byte alone gives the copy its size");
});
