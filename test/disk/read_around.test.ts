// Tests reading around places that the disk refuses.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Holes, readOver } from "../../src/disk/read_around.ts";
import { systemError } from "../support/wrapped_fs.ts";

test("readOver() invents no bytes at the end of the file, whatever the disk refuses there", async () => {
  const size = 4096 + 100;
  const file = {
    read: (buffer: Uint8Array, offset: number) => {
      if (offset >= 4096) throw systemError("EIO");
      const count = Math.min(buffer.length, 4096 - offset);
      buffer.fill(7, 0, count);
      return count;
    },
    size: () => size,
  };
  const holes = new Holes();
  const buffer = new Uint8Array(10_000);
  const read = (offset: number) => readOver(file as never, "f", buffer, offset, holes);
  assertEquals(await read(0), size);
  assertEquals([buffer[4095], buffer[4096]], [7, 0]);
  // Cut since the caller asked how long it is.
  assertEquals(await read(size), 0);
  assertEquals(holes.first?.systemCode, "EIO");
});
