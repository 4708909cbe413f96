/**
 * Reads what follows a snapshot's header: the lines of the state, and the end line that verifies them. The work grows
 * only with the bytes in the file, whatever its lines look like and whatever size it claims to have.
 *
 * @module
 */

import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { CorruptionError } from "../errors.ts";
import { BATCH_SIZE_MAX, CONTROL_TAIL_SIZE, HEADER_SIZE_MAX, LINE_FEED } from "../format/format.ts";
import type { NamedFile } from "../disk/names.ts";
import { readControlLine } from "../format/scan.ts";
import { readFully } from "../disk/file_io.ts";
import type { Pieces } from "../disk/pieces.ts";

/** A line can be as long as a string in the state, but a hostile file must not take all memory. */
const LINE_SIZE_MAX = 32 * BATCH_SIZE_MAX;

const BRACKET_OPEN = 0x5b;
const decoder = new TextDecoder();

/** Reads the body of one snapshot. */
export class BodyReader {
  readonly #fs: DurableFs;
  readonly #handle: DurableFile;
  readonly #file: NamedFile;
  readonly #pieces: Pieces;
  readonly #add: ((line: string) => boolean) | null;
  #buffer: Uint8Array;
  #checksum = 0;
  #endName = "end";
  #count = 0;

  /**
   * @param pieces how much to read at once
   * @param add adds a line; returns whether it was valid; `null` to verify the bytes alone
   */
  constructor(
    fs: DurableFs,
    handle: DurableFile,
    file: NamedFile,
    pieces: Pieces,
    add: ((line: string) => boolean) | null,
  ) {
    this.#fs = fs;
    this.#handle = handle;
    this.#file = file;
    this.#pieces = pieces;
    this.#add = add;
    this.#buffer = new Uint8Array(2 * pieces.size);
  }

  /**
   * Reads to the end of the file, or to the end of an initial state in a segment.
   *
   * @param offset where the header ends
   * @param seed the header's checksum
   * @param initialEnd where the initial state ends; `null` in a snapshot
   * @returns the offset of the end
   * @throws {CorruptionError} when any byte differs from what was written
   */
  async read(offset: number, seed: number, initialEnd: number | null = null): Promise<number> {
    this.#checksum = seed;
    this.#endName = initialEnd === null ? "end" : "initial";
    const whole = await this.#handle.size();
    const size = initialEnd ?? whole;
    // Nothing of what a file claims to have beyond its end is read.
    if (size > whole) throw damagedAt(this.#file, whole);
    // How much of the buffer holds the beginning of a line whose end has not been read.
    let kept = 0;
    while (offset + kept < size) {
      const pieceSize = this.#pieces.size;
      while (kept + pieceSize > this.#buffer.length) this.#grow(kept, offset);
      const room = Math.min(pieceSize, size - offset - kept);
      const piece = this.#buffer.subarray(kept, kept + room);
      if (await readFully(this.#handle, piece, offset + kept) < room) break;
      const bytes = this.#buffer.subarray(0, kept + room);
      this.#pieces.begin();
      if (offset + bytes.length === size) {
        const end = this.#end(bytes, offset);
        this.#pieces.end(room);
        return end;
      }
      // Search only the new bytes: searching everything kept, over and over, made long lines take quadratic time.
      const last = piece.lastIndexOf(LINE_FEED);
      const consumed = last < 0 ? 0 : kept + last + 1;
      if (consumed > 0) {
        this.#take(bytes.subarray(0, consumed), offset);
        this.#buffer.copyWithin(0, consumed, bytes.length);
        offset += consumed;
      }
      const checked = consumed > 0 ? 0 : kept;
      kept = bytes.length - consumed;
      this.#checkUnfinished(checked, kept, offset);
      this.#pieces.end(room);
    }
    throw damagedAt(this.#file, offset);
  }

  /** Detects what can't be a line of ours before its end is read: a hole in the file may be of any size. */
  #checkUnfinished(from: number, to: number, offset: number): void {
    const isOurs = this.#buffer[0] === BRACKET_OPEN || to <= HEADER_SIZE_MAX;
    // JSON contains no zero bytes.
    if (isOurs && !this.#buffer.subarray(from, to).includes(0)) return;
    throw damagedAt(this.#file, offset);
  }

  #take(bytes: Uint8Array, offset: number): void {
    this.#checksum = this.#fs.crc32(bytes, this.#checksum);
    if (this.#add === null) {
      for (let at = 0; at < bytes.length; at = bytes.indexOf(LINE_FEED, at) + 1) this.#count++;
      return;
    }
    for (const line of decoder.decode(bytes.subarray(0, bytes.length - 1)).split("\n")) {
      if (!this.#add(line)) throw damagedAt(this.#file, offset);
      this.#count++;
    }
  }

  #end(bytes: Uint8Array, offset: number): number {
    const last = bytes.length - 1;
    if (bytes.length < CONTROL_TAIL_SIZE || bytes[last] !== LINE_FEED) {
      throw damagedAt(this.#file, offset);
    }
    const start = bytes.lastIndexOf(LINE_FEED, last - 1) + 1;
    if (start > 0) this.#take(bytes.subarray(0, start), offset);
    const control = readControlLine(bytes.subarray(start, last), this.#fs.crc32, this.#checksum);
    if (control === null || control.content[this.#endName] !== this.#count) {
      throw damagedAt(this.#file, offset + start);
    }
    return offset + bytes.length;
  }

  #grow(kept: number, offset: number): void {
    /* v8 ignore next -- reached by a line of half a gigabyte, for which a test machine may lack the memory */
    if (this.#buffer.length >= LINE_SIZE_MAX) throw damagedAt(this.#file, offset);
    const larger = new Uint8Array(this.#buffer.length * 2);
    larger.set(this.#buffer.subarray(0, kept));
    this.#buffer = larger;
  }
}

/** The error for a damaged snapshot. */
export function damagedAt(file: NamedFile, offset: number): CorruptionError {
  return new CorruptionError(
    `The snapshot "${file.path}" is damaged near offset ${offset}: it is not used; an older one and the journal replace it`,
    {
      path: file.path,
      offset,
      sequence: file.sequence,
      operation: "read",
      lost: { sequenceFirst: file.sequence, sequenceLast: file.sequence },
    },
  );
}
