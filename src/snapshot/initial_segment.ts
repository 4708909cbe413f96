/**
 * Writes a segment that begins a journal with a state of any size, so that it is either complete or absent. The reading
 * side is initial_state.ts; a state that fits in memory twice is written by the journal itself.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import { createTemporary, discard, writeFully } from "../disk/file_io.ts";
import { type NamedFile, temporaryPath } from "../disk/names.ts";
import { PIECE_SIZE_MIN, piecesOf } from "../disk/pieces.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { ioError } from "../failures.ts";
import { encodeControlLine, encodeHeader } from "../format/encode.ts";
import type { SegmentHeader } from "../format/format.ts";
import { poisoned } from "../journal/poison.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { BodyReader } from "./snapshot_body.ts";

/** How many characters to encode at once. */
const PIECE_SIZE = 64 * 1024;

const encoder = new TextEncoder();

/** The state that a segment begins with. */
export interface InitialLines {
  /** Gives the lines of the state, the same each time: once to measure them, and once to write them. */
  lines(): Iterable<string>;
  /** Called after each piece that was measured or written. If it throws before the file has its name, nothing is left. */
  onPiece(size: number): Promise<void>;
}

/**
 * Writes the segment: to a temporary file, synced, verified, renamed, and the directory synced.
 *
 * @returns its size in bytes; when this returns, it is durable and known to be readable
 * @throws {DiskFullError} when there is no space; nothing is left under the final name
 * @throws {PoisonedError} when it can't be determined whether the segment is there
 */
export async function writeInitialSegment(
  fs: DurableFs,
  directory: string,
  file: NamedFile,
  header: SegmentHeader,
  initial: InitialLines,
): Promise<number> {
  let temporary = temporaryPath(file.path);
  let handle: DurableFile | undefined;
  let renamed = false;
  try {
    // Its size is in the header, and the header's checksum seeds that of the lines.
    const { size, count } = await measure(initial);
    const end = encodeControlLine({ initial: count }, fs.crc32, 0);
    const whole = { ...header, initial: size + end.bytes.length };
    ({ file: handle, path: temporary } = await createTemporary(fs, file.path));
    const written = await writeLines(fs, handle, whole, count, initial);
    // Sync before rename: otherwise a power cut can leave the new name on an empty file.
    await handle.syncAll();
    // Read back before the rename: a card that garbles data must not replace a good state.
    await verify(fs, { ...file, path: temporary });
    renamed = true;
    await fs.rename(temporary, file.path);
    // Again: otherwise a power cut on FAT can leave the new name on an empty file.
    await handle.syncAll();
    await handle.close();
    handle = undefined;
    await fs.syncDirectory(directory);
    return written;
  } catch (error) {
    await discard(fs, handle, temporary);
    if (renamed) throw poisoned("begin", file.path, 0, error);
    throw ioError("create", file.path, error);
  }
}

async function measure(initial: InitialLines): Promise<{ size: number; count: number }> {
  let size = 0;
  let count = 0;
  for (const piece of piecesIn(initial.lines())) {
    size += piece.bytes.length;
    count += piece.count;
    await initial.onPiece(piece.bytes.length);
  }
  return { size, count };
}

async function writeLines(
  fs: DurableFs,
  file: DurableFile,
  header: SegmentHeader,
  count: number,
  initial: InitialLines,
): Promise<number> {
  const first = encodeHeader(header, fs.crc32);
  let { checksum } = first;
  let offset = 0;
  const put = async (bytes: Uint8Array) => {
    await writeFully(file, bytes, offset);
    offset += bytes.length;
  };
  await put(first.bytes);
  for (const { bytes } of piecesIn(initial.lines())) {
    checksum = fs.crc32(bytes, checksum);
    await put(bytes);
    await initial.onPiece(bytes.length);
  }
  await put(encodeControlLine({ initial: count }, fs.crc32, checksum).bytes);
  return offset;
}

/** Lines put together, as bytes. */
function* piecesIn(lines: Iterable<string>): Generator<{ bytes: Uint8Array; count: number }> {
  let text = "";
  let count = 0;
  for (const line of lines) {
    text += line + "\n";
    count++;
    if (text.length < PIECE_SIZE) continue;
    yield { bytes: encoder.encode(text), count };
    text = "";
    count = 0;
  }
  yield { bytes: encoder.encode(text), count };
}

async function verify(fs: DurableFs, file: NamedFile): Promise<void> {
  const reader = await SegmentReader.open(fs, file);
  try {
    const body = new BodyReader(fs, reader.handle, file, piecesOf(PIECE_SIZE_MIN), null);
    await body.read(reader.headerEnd, reader.seed, reader.headerEnd + reader.header.initial!);
  } finally {
    await closeFile(reader.handle, file.path);
  }
}
