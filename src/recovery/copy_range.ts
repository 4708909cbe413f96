/**
 * Copies a part of a file into a new one that gets its name only once its bytes are synced.
 *
 * @module
 */

import { closeFile } from "../close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { ioError } from "../errors.ts";
import { temporaryPath } from "../format/names.ts";
import { readFully } from "../journal/segment_reader.ts";
import { createAnew, discard, writeFully } from "../journal/write_bytes.ts";

const PIECE_SIZE = 256 * 1024;

/**
 * Copies `[from, to)` of `source` to `target`, replacing it. The name is durable once its directory is synced.
 *
 * @param to `Infinity` for the end of the file
 * @returns how many bytes were copied
 */
export async function copyRange(
  fs: DurableFs,
  source: string,
  from: number,
  to: number,
  target: string,
): Promise<number> {
  const temporary = temporaryPath(target);
  let input: DurableFile | undefined;
  let output: DurableFile | undefined;
  try {
    input = await fs.open(source, "read");
    output = await createAnew(fs, temporary);
    const size = await copyBytes(input, output, from, to);
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
): Promise<number> {
  const buffer = new Uint8Array(PIECE_SIZE);
  for (let at = from;;) {
    const count = await readFully(input, buffer.subarray(0, Math.min(buffer.length, to - at)), at);
    if (count === 0) return at - from;
    await writeFully(output, buffer.subarray(0, count), at - from);
    at += count;
  }
}
