/**
 * Writes one snapshot file, so that it is either complete or absent, and reads one back, verified to the last byte.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { encodeControlLine, encodeHeader } from "../format/encode.ts";
import { ioError } from "../failures.ts";
import type { SnapshotHeader } from "../format/format.ts";
import { type NamedFile, temporaryPath } from "../disk/names.ts";
import { type OpenedFile, openFile, soundHeader } from "../disk/header_file.ts";
import { createTemporary, discard, writeFully } from "../disk/file_io.ts";
import { PIECE_SIZE_MIN, type Pieces, piecesOf } from "../disk/pieces.ts";
import { StateBuilder } from "../format/snapshot_decode.ts";
import { BodyReader, damagedAt } from "./snapshot_body.ts";

/** How much `open` reads at once: no one waits, and every turn costs it a thread hop. */
const READ_PIECES = piecesOf(64 * 1024);

/** How much is encoded at once before the event loop gets a turn: callers wait for it. */
const WRITE_PIECES = piecesOf(PIECE_SIZE_MIN);

const encoder = new TextEncoder();

/** What a snapshot holds, and how it is written. */
export interface SnapshotContent {
  header: SnapshotHeader;
  lines: Iterable<string>;
  /** How much to write at once. */
  write?: Pieces;
  /** How much to read at once, to verify it. */
  verify?: Pieces;
}

/**
 * Writes a snapshot: to a temporary file, synced, verified, renamed, and the directory synced.
 *
 * @returns its size in bytes; when this returns, the snapshot is durable and known to be readable
 * @throws {DiskFullError} when there is no space; nothing is left behind
 */
export async function writeSnapshot(
  fs: DurableFs,
  directory: string,
  file: NamedFile,
  content: SnapshotContent,
): Promise<number> {
  let temporary = temporaryPath(file.path);
  let handle: DurableFile | undefined;
  let size = 0;
  try {
    ({ file: handle, path: temporary } = await createTemporary(fs, file.path));
    size = await writeLines(fs, handle, content);
    // Sync before rename: otherwise a power cut can leave the new name on an empty file.
    await handle.syncAll();
    // Read back before the rename: a card that garbles data must not replace a good file.
    await verifySnapshot(fs, { ...file, path: temporary }, content.verify);
    await fs.rename(temporary, file.path);
    // Again: otherwise a power cut on FAT can leave the new name on an empty file.
    await handle.syncAll();
    await handle.close();
    handle = undefined;
    await fs.syncDirectory(directory);
  } catch (error) {
    await discard(fs, handle, temporary);
    throw ioError("write the snapshot", file.path, error);
  }
  return size;
}

async function writeLines(
  fs: DurableFs,
  file: DurableFile,
  { header, lines, write: pieces = WRITE_PIECES }: SnapshotContent,
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
  let { size } = pieces;
  const flush = async () => {
    const bytes = encoder.encode(piece);
    piece = "";
    checksum = fs.crc32(bytes, checksum);
    pieces.end(bytes.length);
    await put(bytes);
    ({ size } = pieces);
    pieces.begin();
  };
  pieces.begin();
  for (const line of lines) {
    piece += line + "\n";
    count++;
    if (piece.length >= size) await flush();
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
export async function verifySnapshot(
  fs: DurableFs,
  file: NamedFile,
  pieces?: Pieces,
): Promise<SnapshotHeader> {
  const opened = await openSnapshot(fs, file);
  try {
    return (await verifyOpened(fs, file, opened, pieces)).header;
  } finally {
    await closeFile(opened.handle, file.path);
  }
}

/**
 * Reads a snapshot and builds its state.
 *
 * @param pieces how much to read at once
 * @throws {CorruptionError} when any byte differs from what was written
 * @throws {TooNewError} when a newer version wrote it
 * @throws {ForeignFormatError} when it is not ours
 */
export async function readSnapshot(
  fs: DurableFs,
  file: NamedFile,
  pieces?: Pieces,
): Promise<SnapshotReading> {
  const opened = await openSnapshot(fs, file);
  try {
    return await readOpened(fs, file, opened, pieces);
  } finally {
    await closeFile(opened.handle, file.path);
  }
}

/** Opens a snapshot and reads its first line. */
export function openSnapshot(
  fs: DurableFs,
  file: NamedFile,
): Promise<OpenedFile<SnapshotHeader>> {
  return openFile(fs, file, "snapshot");
}

/** Like {@linkcode verifySnapshot} for an open file. */
export function verifyOpened(
  fs: DurableFs,
  file: NamedFile,
  opened: OpenedFile<SnapshotHeader>,
  pieces: Pieces = READ_PIECES,
): Promise<{ header: SnapshotHeader; size: number }> {
  return readLines(fs, file, opened, { pieces, add: null });
}

/** Like {@linkcode readSnapshot} for an open file. */
export async function readOpened(
  fs: DurableFs,
  file: NamedFile,
  opened: OpenedFile<SnapshotHeader>,
  pieces: Pieces = READ_PIECES,
): Promise<SnapshotReading> {
  const builder = new StateBuilder();
  const add = (line: string) => builder.add(line);
  const { header, size } = await readLines(fs, file, opened, { pieces, add });
  if (!builder.complete) throw damagedAt(file, size);
  return { header, state: builder.state, size };
}

async function readLines(
  fs: DurableFs,
  file: NamedFile,
  opened: OpenedFile<SnapshotHeader>,
  { pieces, add }: { pieces: Pieces; add: ((line: string) => boolean) | null },
): Promise<{ header: SnapshotHeader; size: number }> {
  try {
    const { header, checksum, size } = soundHeader(file, opened);
    const body = new BodyReader(fs, opened.handle, file, pieces, add);
    return { header, size: await body.read(size, checksum) };
  } catch (error) {
    throw ioError("read", file.path, error);
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
