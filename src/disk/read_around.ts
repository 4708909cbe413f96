/**
 * Reads what the disk gives of a file with places that it refuses to give.
 *
 * @module
 */

import type { DurableFile } from "../durable_fs.ts";
import type { MinistateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import { isUnreadable, READ_ATTEMPTS, readPatiently } from "./refusals.ts";

/** The kernel reads and refuses in pages of this size at least. */
const PAGE_SIZE = 4096;

/** After so many refusals in a row more than a page is passed over: a device can take half a minute for each. */
const ROW_MAX = 16;

/** How much is passed over in one go at most. */
const SKIP_MAX = 1024 * 1024;

/** What the disk gave. */
export interface Given {
  size: number;
  /** Why there is no more of it, though the file goes on; its offset is the place. */
  refusal: MinistateError | null;
}

/**
 * Reads until the buffer is full, the file ends, or the disk refuses, which is believed only at a single page and after
 * several attempts.
 *
 * @throws {IoError} when the system refuses for a reason that is not the file's own
 */
export async function readGiven(
  file: DurableFile,
  path: string,
  buffer: Uint8Array,
  offset: number,
  attempts = READ_ATTEMPTS,
): Promise<Given> {
  let size = 0;
  // Until something is refused, as much as there is room for.
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

/** The places of one file that the disk has refused to give so far. */
export class Holes {
  /** The first refusal met; its offset is the place. */
  first: MinistateError | null = null;
  #row = 0;

  /** Takes a refusal in; returns how much to pass over from there. */
  note(refusal: MinistateError, at: number): number {
    this.first ??= refusal;
    const more = ++this.#row - ROW_MAX;
    return pageEnd(at) - at + (more > 0 ? Math.min(PAGE_SIZE * 2 ** more, SKIP_MAX) : 0);
  }

  /** Something was given: what is refused next is another place. */
  noteGiven(): void {
    this.#row = 0;
  }
}

/** Reads as if zero bytes stood in the places that the disk refuses to give; returns how many bytes there were. */
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
