/**
 * Copies part of a file into a new file. The new file gets its name only once its bytes are synced.
 *
 * @module
 */

import { closeFile } from "./close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";
import { temporaryPath } from "./names.ts";
import { Holes, readOver } from "./read_around.ts";
import { readFully } from "./file_io.ts";
import { createTemporary, discard, writeFully } from "./file_io.ts";

const COPY_SIZE = 256 * 1024;

/** Reads bytes of a file; returns how many there were. */
type Read = (file: DurableFile, buffer: Uint8Array, offset: number) => Promise<number>;

/**
 * Copies `[from, to)` of `source` to `target`, replacing it. The name is durable once its directory is synced.
 *
 * @param to `Infinity` for the end of the file
 * @returns how many bytes were copied
 */
export function copyRange(
  fs: DurableFs,
  source: string,
  from: number,
  to: number,
  target: string,
): Promise<number> {
  return copy(fs, source, target, (input, output) => copyBytes(input, output, from, to, readFully));
}

/**
 * Like `copyRange` for the first `size` bytes, with `end` after them. The copy gets its name only once it has both.
 *
 * @returns the size of the copy
 */
export function copyWithEnd(
  fs: DurableFs,
  source: string,
  size: number,
  target: string,
  end: Uint8Array,
): Promise<number> {
  return copy(fs, source, target, async (input, output) => {
    const count = await copyBytes(input, output, 0, size, readFully);
    await writeFully(output, end, count);
    return count + end.length;
  });
}

/** Like `copyRange` for the whole file, but writes zero bytes where the disk refuses to read `source`. */
export function copyReadable(fs: DurableFs, source: string, target: string): Promise<number> {
  const holes = new Holes();
  const read: Read = (file, buffer, offset) => readOver(file, source, buffer, offset, holes);
  return copy(fs, source, target, (input, output) => copyBytes(input, output, 0, Infinity, read));
}

async function copy(
  fs: DurableFs,
  source: string,
  target: string,
  bytes: (input: DurableFile, output: DurableFile) => Promise<number>,
): Promise<number> {
  let temporary = temporaryPath(target);
  let input: DurableFile | undefined;
  let output: DurableFile | undefined;
  try {
    input = await fs.open(source, "read");
    ({ file: output, path: temporary } = await createTemporary(fs, target));
    const size = await bytes(input, output);
    await output.syncAll();
    await fs.rename(temporary, target);
    // Again: otherwise a power cut on FAT can leave the new name on an empty file.
    await output.syncAll();
    await output.close();
    output = undefined;
    return size;
  } catch (error) {
    await discard(fs, output, temporary);
    throw ioError("copy", source, error);
  } finally {
    await closeFile(input, source);
  }
}

async function copyBytes(
  input: DurableFile,
  output: DurableFile,
  from: number,
  to: number,
  read: Read,
): Promise<number> {
  const buffer = new Uint8Array(COPY_SIZE);
  let written = from;
  for (let at = from;;) {
    const count = await read(input, buffer.subarray(0, Math.min(buffer.length, to - at)), at);
    if (count === 0) {
      // If trailing zeros were left out, write the last byte to give the copy its size.
      if (written < at) await writeFully(output, new Uint8Array(1), at - from - 1);
      return at - from;
    }
    const piece = buffer.subarray(0, count);
    // A hole stays a hole: the copy of a damaged file must not fill the disk.
    if (!isZero(piece)) {
      await writeFully(output, piece, at - from);
      written = at + count;
    }
    at += count;
  }
}

/** Compares four bytes at a time where it can: a sparse file may claim any size. */
function isZero(bytes: Uint8Array): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  for (let i = words.length * 4; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
