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
  file: NamedFile,
  header: SnapshotHeader,
  lines: Iterable<string>,
): Promise<number> {
  let temporary = temporaryPath(file.path);
  let handle: DurableFile | undefined;
  let size = 0;
  try {
    ({ file: handle, path: temporary } = await createTemporary(fs, file.path));
    size = await writeLines(fs, handle, header, lines);
    // Sync before rename: otherwise a power cut can leave the new name on an empty file.
    await handle.syncAll();
    // Read back before the rename: a card that garbles data must not replace a good file.
    await verifySnapshot(fs, { ...file, path: temporary });
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
export async function verifySnapshot(fs: DurableFs, file: NamedFile): Promise<SnapshotHeader> {
  const opened = await openSnapshot(fs, file);
  try {
    return (await verifyOpened(fs, file, opened)).header;
  } finally {
    await closeFile(opened.handle, file.path);
  }
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
  file: NamedFile,
  pieceSize?: number,
): Promise<SnapshotReading> {
  const opened = await openSnapshot(fs, file);
  try {
    return await readOpened(fs, file, opened, pieceSize);
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
): Promise<{ header: SnapshotHeader; size: number }> {
  return readLines(fs, file, opened, { pieceSize: READ_SIZE, add: () => true });
}

/** Like {@linkcode readSnapshot} for an open file. */
export async function readOpened(
  fs: DurableFs,
  file: NamedFile,
  opened: OpenedFile<SnapshotHeader>,
  pieceSize = READ_SIZE,
): Promise<SnapshotReading> {
  const builder = new StateBuilder();
  const add = (line: string) => builder.add(line);
  const { header, size } = await readLines(fs, file, opened, { pieceSize, add });
  if (!builder.complete) throw damagedAt(file, size);
  return { header, state: builder.state, size };
}

async function readLines(
  fs: DurableFs,
  file: NamedFile,
  opened: OpenedFile<SnapshotHeader>,
  { pieceSize, add }: { pieceSize: number; add: (line: string) => boolean },
): Promise<{ header: SnapshotHeader; size: number }> {
  try {
    const { header, checksum, size } = soundHeader(file, opened);
    const body = new BodyReader(fs, opened.handle, file, pieceSize, add);
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
