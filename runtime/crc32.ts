/**
 * The checksum for Deno, in TypeScript: loading `node:zlib`, or any other part of Node, would double Deno's start time.
 *
 * CRC-32 of IEEE 802.3 (reflected, polynomial 0xEDB88320), as in zlib, gzip and PNG. Eight bytes per step
 * ("slicing-by-8": M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High Performance, Software-Based,
 * CRC Generators", ISCC 2005).
 *
 * @module
 */

const POLYNOMIAL = 0xedb88320;
const STEP = 8;

/** Entry `256 * n + byte`: the CRC contribution of `byte` followed by `n` zero bytes. */
const TABLE = new Int32Array(STEP * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 && POLYNOMIAL);
  TABLE[byte] = value;
}
for (let entry = 256; entry < TABLE.length; entry++) {
  const before = TABLE[entry - 256]!;
  TABLE[entry] = (before >>> 8) ^ TABLE[before & 0xff]!;
}

/** The CRC-32 of `bytes`; `seed` is the CRC-32 of the bytes before them. */
export function crc32(bytes: Uint8Array, seed: number): number {
  let sum = ~seed;
  let at = 0;
  for (const last = bytes.length - STEP; at <= last; at += STEP) {
    sum ^= bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    sum = TABLE[1792 + (sum & 0xff)]! ^ TABLE[1536 + (sum >>> 8 & 0xff)]! ^
      TABLE[1280 + (sum >>> 16 & 0xff)]! ^ TABLE[1024 + (sum >>> 24)]! ^
      TABLE[768 + bytes[at + 4]!]! ^ TABLE[512 + bytes[at + 5]!]! ^
      TABLE[256 + bytes[at + 6]!]! ^ TABLE[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) sum = (sum >>> 8) ^ TABLE[(sum ^ bytes[at]!) & 0xff]!;
  return ~sum >>> 0;
}
