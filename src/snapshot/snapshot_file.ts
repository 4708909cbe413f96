/**
 * Writes one snapshot file, so that it is either complete or absent, and reads one back, verified to the last byte.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { encodeControlLine, encodeHeader } from "../format/encode.ts";
import { MinistateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import { HEADER_SIZE_MAX, type SnapshotHeader } from "../format/format.ts";
import { type NamedFile, temporaryPath } from "../disk/names.ts";
import { readHeader } from "../format/scan.ts";
import { headerError } from "../disk/header_file.ts";
import { readFully } from "../disk/file_io.ts";
import { createTemporary, discard, writeFully } from "../disk/file_io.ts";
import { StateBuilder } from "../format/snapshot_decode.ts";
import { BodyReader, damagedAt } from "./snapshot_body.ts";

/** How much is encoded or read at once before the event loop gets a turn: callers wait for it. */
export const PIECE_SIZE = 16 * 1024;

/** How much `open` reads at once: no one waits, and every turn costs it a thread hop. */
const READ_SIZE = 64 * 1024;
const encoder = new TextEncoder();

/**
 * Writes a snapshot: to a temporary file, synced, verified, renamed, and the directory synced.
 *
 * @returns its size in bytes; when this returns, the snapshot is durable and known to be readable
 * @throws {DiskFullError} when there is no space; nothing is left behind
 */
export async function writeSnapshot(
  fs: DurableFs,
  directory: string,
  named: NamedFile,
  header: SnapshotHeader,
  lines: Iterable<string>,
): Promise<number> {
  let temporary = temporaryPath(named.path);
  let file: DurableFile | undefined;
  let size = 0;
  try {
    ({ file, path: temporary } = await createTemporary(fs, named.path));
    size = await writeLines(fs, file, header, lines);
    // Sync before rename: otherwise a power cut can leave the new name on an empty file.
    await file.syncAll();
    // Read back before the rename: a card that garbles data must not replace a good file.
    await verifySnapshot(fs, { ...named, path: temporary });
    await fs.rename(temporary, named.path);
    // Again: otherwise a power cut on FAT can leave the new name on an empty file.
    await file.syncAll();
    await file.close();
    file = undefined;
    await fs.syncDirectory(directory);
  } catch (error) {
    await discard(fs, file, temporary);
    throw ioError("write the snapshot", named.path, error);
  }
  return size;
}

async function writeLines(
  fs: DurableFs,
  file: DurableFile,
  header: SnapshotHeader,
  lines: Iterable<string>,
): Promise<number> {
  const first = encodeHeader(header, fs.crc32);
  let offset = 0;
  let checksum = first.checksum;
  const put = async (bytes: Uint8Array) => {
    await writeFully(file, bytes, offset);
    offset += bytes.length;
  };
  await put(first.bytes);
  let count = 0;
  let piece = "";
  const flush = async () => {
    const bytes = encoder.encode(piece);
    piece = "";
    checksum = fs.crc32(bytes, checksum);
    await put(bytes);
  };
  for (const line of lines) {
    piece += line + "\n";
    count++;
    if (piece.length >= PIECE_SIZE) await flush();
  }
  await flush();
  await put(encodeControlLine({ end: count }, fs.crc32, checksum).bytes);
  return offset;
}

/** A snapshot that was read back. */
export interface SnapshotReading {
  header: SnapshotHeader;
  state: unknown;
  size: number;
}

/** Reads a snapshot to its end and throws if any byte differs from what was written. */
export async function verifySnapshot(fs: DurableFs, named: NamedFile): Promise<SnapshotHeader> {
  return (await readLines(fs, named, READ_SIZE, () => true)).header;
}

/**
 * Reads a snapshot and builds its state.
 *
 * @param pieceSize how much to read at once
 * @throws {CorruptionError} when any byte differs from what was written
 * @throws {TooNewError} when a newer version wrote it
 * @throws {ForeignFormatError} when it is not ours
 */
export async function readSnapshot(
  fs: DurableFs,
  named: NamedFile,
  pieceSize = READ_SIZE,
): Promise<SnapshotReading> {
  const builder = new StateBuilder();
  const { header, size } = await readLines(
    fs,
    named,
    pieceSize,
    (text) => builder.add(text),
  );
  if (!builder.complete) throw damagedAt(named, size);
  return { header, state: builder.state, size };
}

async function readLines(
  fs: DurableFs,
  named: NamedFile,
  pieceSize: number,
  add: (line: string) => boolean,
): Promise<{ header: SnapshotHeader; size: number }> {
  let file: DurableFile | undefined;
  try {
    file = await fs.open(named.path, "read");
    const bytes = new Uint8Array(HEADER_SIZE_MAX);
    const count = await readFully(file, bytes, 0);
    if (count === 0) throw headerError("empty", named);
    const reading = readHeader<SnapshotHeader>(bytes.subarray(0, count), "snapshot", fs.crc32);
    if (reading.kind !== "sound") {
      throw headerError(reading.kind, named, reading.kind === "newer" ? reading.format : undefined);
    }
    if (reading.header.sequence !== named.sequence) throw headerError("damaged", named);
    const size = await new BodyReader(fs, file, named, pieceSize, add)
      .read(reading.size, reading.checksum);
    return { header: reading.header, size };
  } catch (error) {
    throw error instanceof MinistateError ? error : ioError("read", named.path, error);
  } finally {
    await closeFile(file, named.path);
  }
}

/** A snapshot on the disk. */
export interface SnapshotInfo {
  /** The path of its file. */
  path: string;
  /** The snapshot holds the state after this sequence. */
  sequence: number;
  /** Its size in bytes. */
  size: number;
}
