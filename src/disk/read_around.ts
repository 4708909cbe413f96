/**
 * Reads a file around the places that the disk refuses to read.
 *
 * @module
 */

import type { DurableFile } from "../durable_fs.ts";
import type { MinistateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import { isUnreadable, READ_ATTEMPTS, readPatiently } from "./refusals.ts";

/** The kernel reads and refuses in pages of at least this size. */
const PAGE_SIZE = 4096;

/** After this many refusals in a row, skip more than a page at a time: a device can take half a minute for each. */
const ROW_MAX = 16;

/** The most that is skipped at once. */
const SKIP_MAX = 1024 * 1024;

/** The result of a read. */
export interface Given {
  size: number;
  /** Why the read stopped before the end of the file; its offset is the place of the refusal. */
  refusal: MinistateError | null;
}

/**
 * Reads until the buffer is full, the file ends, or the disk refuses. A refusal is believed only for a single page and
 * after several attempts.
 *
 * @throws {IoError} when the system refuses for a reason other than the file itself
 */
export async function readGiven(
  file: DurableFile,
  path: string,
  buffer: Uint8Array,
  offset: number,
  attempts = READ_ATTEMPTS,
): Promise<Given> {
  let size = 0;
  // Until the first refusal, read as much as there is room for.
  let pageByPage = false;
  while (size < buffer.length) {
    const at = offset + size;
    const end = pageByPage ? Math.min(pageEnd(at) - offset, buffer.length) : buffer.length;
    try {
      const read = () => file.read(buffer.subarray(size, end), at);
      const count = pageByPage ? await readPatiently(read, attempts) : await read();
      if (count <= 0) break;
      size += count;
    } catch (error) {
      const refusal = ioError("read", path, error, at);
      if (!isUnreadable(refusal)) throw refusal;
      if (pageByPage) return { size, refusal };
      pageByPage = true;
    }
  }
  return { size, refusal: null };
}

function pageEnd(at: number): number {
  return at - at % PAGE_SIZE + PAGE_SIZE;
}

/** The places of one file that the disk has refused to read so far. */
export class Holes {
  /** The first refusal; its offset is the place. */
  first: MinistateError | null = null;
  #row = 0;

  /** Records a refusal; returns how much to skip from there. */
  note(refusal: MinistateError, at: number): number {
    this.first ??= refusal;
    const more = ++this.#row - ROW_MAX;
    return pageEnd(at) - at + (more > 0 ? Math.min(PAGE_SIZE * 2 ** more, SKIP_MAX) : 0);
  }

  /** Records a successful read: the next refusal is at a new place. */
  noteGiven(): void {
    this.#row = 0;
  }
}

/** Reads with zero bytes in the places that the disk refuses to read; returns how many bytes there were. */
export async function readOver(
  file: DurableFile,
  path: string,
  buffer: Uint8Array,
  offset: number,
  holes: Holes,
): Promise<number> {
  let size = 0;
  while (size < buffer.length) {
    const attempts = holes.first === null ? READ_ATTEMPTS : 1;
    const { size: given, refusal } = await readGiven(
      file,
      path,
      buffer.subarray(size),
      offset + size,
      attempts,
    );
    size += given;
    if (given > 0) holes.noteGiven();
    if (refusal === null) break;
    const skipped = holes.note(refusal, offset + size);
    const end = Math.min(size + skipped, buffer.length, await file.size() - offset);
    if (end <= size) break;
    buffer.fill(0, size, end);
    size = end;
  }
  return size;
}
