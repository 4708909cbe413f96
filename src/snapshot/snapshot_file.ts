/**
 * Writes one snapshot file so that it is complete or not there, and reads one back, verified to the last byte.
 *
 * @module
 */

import { closeFile } from "../close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { encodeControlLine, encodeHeader } from "../format/encode.ts";
import { CorruptionError, ioError, MinistateError } from "../errors.ts";
import {
  BATCH_SIZE_MAX,
  CONTROL_TAIL_SIZE,
  HEADER_SIZE_MAX,
  LINE_FEED,
  type SnapshotHeader,
} from "../format/format.ts";
import { type NamedFile, temporaryPath } from "../format/names.ts";
import { readControlLine, readHeader } from "../format/scan.ts";
import { headerError, readFully } from "../journal/segment_reader.ts";
import { createAnew, discard, writeFully } from "../journal/write_bytes.ts";
import { StateBuilder } from "../format/snapshot_decode.ts";

/** How much is encoded or read in one go, before the event loop gets a turn: callers wait behind it. */
export const PIECE_SIZE = 16 * 1024;

/** How much `open` reads in one go: nobody waits, and every turn costs it a hop to a thread. */
const READ_SIZE = 64 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Writes a snapshot: aside, synced, renamed, directory synced, read back and verified.
 *
 * @returns its size in bytes; when it returns, the snapshot is durable and known to be readable
 * @throws {DiskFullError} when there is no space; nothing is left behind
 */
export async function writeSnapshot(
  fs: DurableFs,
  directory: string,
  named: NamedFile,
  header: SnapshotHeader,
  lines: Iterable<string>,
): Promise<number> {
  const temporary = temporaryPath(named.path);
  let file: DurableFile | undefined;
  let size = 0;
  try {
    file = await createAnew(fs, temporary);
    size = await writeLines(fs, file, header, lines);
    // Sync before rename: otherwise a power cut can leave the new name on an empty file.
    await file.syncAll();
    // Read back before the rename: a card that garbles what it stores must not replace anything.
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

/** A snapshot as read back. */
export interface SnapshotReading {
  header: SnapshotHeader;
  state: unknown;
  size: number;
}

/** Reads a snapshot to its end and throws when a byte of it is not as it was written. */
export async function verifySnapshot(fs: DurableFs, named: NamedFile): Promise<SnapshotHeader> {
  return (await readLines(fs, named, READ_SIZE, () => true)).header;
}

/**
 * Reads a snapshot and builds its state.
 *
 * @param pieceSize how much to read in one go
 * @throws {CorruptionError} when any byte of it is not as it was written
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

/** Reads everything behind the header: the lines of the state, and the end line that vouches for them. */
class BodyReader {
  readonly #fs: DurableFs;
  readonly #file: DurableFile;
  readonly #named: NamedFile;
  readonly #pieceSize: number;
  readonly #add: (line: string) => boolean;
  #buffer = new Uint8Array(READ_SIZE);
  #checksum = 0;
  #count = 0;

  constructor(
    fs: DurableFs,
    file: DurableFile,
    named: NamedFile,
    pieceSize: number,
    add: (line: string) => boolean,
  ) {
    this.#fs = fs;
    this.#file = file;
    this.#named = named;
    this.#pieceSize = pieceSize;
    this.#add = add;
  }

  async read(offset: number, seed: number): Promise<number> {
    this.#checksum = seed;
    const size = await this.#file.size();
    let kept = 0;
    for (;;) {
      const piece = this.#buffer.subarray(kept, kept + this.#pieceSize);
      const count = await readFully(this.#file, piece, offset + kept);
      const bytes = this.#buffer.subarray(0, kept + count);
      if (count === 0 && kept < this.#buffer.length) throw damagedAt(this.#named, offset);
      const atEnd = offset + bytes.length >= size;
      if (atEnd) return this.#end(bytes, offset);
      const consumed = this.#lines(bytes, offset);
      this.#buffer.copyWithin(0, consumed, bytes.length);
      kept = bytes.length - consumed;
      offset += consumed;
      if (kept === this.#buffer.length) this.#grow(offset);
    }
  }

  /** Takes all whole lines but the last one, which could be the end line. */
  #lines(bytes: Uint8Array, offset: number): number {
    const last = bytes.lastIndexOf(LINE_FEED);
    const consumed = last <= 0 ? 0 : bytes.lastIndexOf(LINE_FEED, last - 1) + 1;
    if (consumed > 0) this.#take(bytes.subarray(0, consumed), offset);
    return consumed;
  }

  #take(bytes: Uint8Array, offset: number): void {
    this.#checksum = this.#fs.crc32(bytes, this.#checksum);
    for (const line of decoder.decode(bytes.subarray(0, bytes.length - 1)).split("\n")) {
      if (!this.#add(line)) throw damagedAt(this.#named, offset);
      this.#count++;
    }
  }

  #end(bytes: Uint8Array, offset: number): number {
    const last = bytes.length - 1;
    if (bytes.length < CONTROL_TAIL_SIZE || bytes[last] !== LINE_FEED) {
      throw damagedAt(this.#named, offset);
    }
    const start = bytes.lastIndexOf(LINE_FEED, last - 1) + 1;
    if (start > 0) this.#take(bytes.subarray(0, start), offset);
    const control = readControlLine(bytes.subarray(start, last), this.#fs.crc32, this.#checksum);
    if (control === null || control.content.end !== this.#count) {
      throw damagedAt(this.#named, offset + start);
    }
    return offset + bytes.length;
  }

  #grow(offset: number): void {
    // A string in the state can make a line as long as the string; a hostile file must not take all memory.
    /* v8 ignore next -- reached by a line of half a gigabyte, for which a test machine may lack the memory */
    if (this.#buffer.length >= 32 * BATCH_SIZE_MAX) throw damagedAt(this.#named, offset);
    const larger = new Uint8Array(this.#buffer.length * 2);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

function damagedAt(named: NamedFile, offset: number): CorruptionError {
  return new CorruptionError(
    `The snapshot "${named.path}" is damaged near offset ${offset}: it is not used; an older one and the journal stand in for it`,
    {
      path: named.path,
      offset,
      sequence: named.sequence,
      operation: "read",
      lost: { sequenceFirst: named.sequence, sequenceLast: named.sequence },
    },
  );
}
