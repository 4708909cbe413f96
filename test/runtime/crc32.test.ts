// Tests that the checksum in TypeScript is zlib's.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import zlib from "node:zlib";
import { crc32 } from "../../runtime/crc32.ts";
import { Random } from "../../testing/disk/random.ts";

test("crc32() gives the check value of its catalogue entry", () => {
  // CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
  assertEquals(crc32(new TextEncoder().encode("123456789"), 0), 0xcbf43926);
});

test("crc32() gives what zlib gives, whatever the length, the bytes and the seed", () => {
  const random = new Random(1);
  const bytes = Uint8Array.from({ length: 1000 }, () => random.below(256));
  for (let length = 0; length <= bytes.length; length++) {
    const part = bytes.subarray(length % 7, length);
    for (const seed of [0, 1, 0x80000000, 0xffffffff, random.below(2 ** 32)]) {
      assertEquals(crc32(part, seed), zlib.crc32(part, seed), `length ${length}, seed ${seed}`);
    }
  }
});

test("crc32() of two halves in sequence is that of the whole", () => {
  const bytes = new TextEncoder().encode('[12,1764115200000,"ä 😀"]\n'.repeat(20));
  for (let at = 0; at <= bytes.length; at++) {
    const sum = crc32(bytes.subarray(at), crc32(bytes.subarray(0, at), 0));
    assertEquals(sum, crc32(bytes, 0), `cut at ${at}`);
  }
});
