/**
 * Appends batches to one segment: each with one write at a position and one sync, into space filled beforehand.
 *
 * @module
 */

import { closeAfterFailure, closeFile } from "../close_file.ts";
import type { DurableFile, DurableFs, MaybePromise } from "../durable_fs.ts";
import { encodeHeader, encodeSeal } from "../format/encode.ts";
import { ioError, isDiskFull, type MinistateError, PoisonedError } from "../errors.ts";
import {
  FILL_RESERVE,
  FILL_SIZE_MAX,
  FILL_SIZE_MIN,
  type SegmentHeader,
} from "../format/format.ts";
import { type NamedFile, temporaryPath } from "../format/names.ts";
import { type Life, PAGE_SIZE } from "../traffic.ts";
import { createAnew, discard, fillWithLineFeeds, writeAgain, writeFully } from "./write_bytes.ts";

/** The one writer of one segment. */
export class SegmentWriter {
  readonly #fs: DurableFs;
  readonly #file: DurableFile;
  readonly #startOffset: number;
  readonly named: NamedFile;
  readonly header: SegmentHeader;
  /** The header's checksum. */
  readonly seed: number;
  /** Where the next batch goes: everything before is synced. */
  offset: number;
  /** Where the line feeds end that were written ahead. */
  #filledEnd: number;
  #poison: MinistateError | null = null;

  private constructor(
    fs: DurableFs,
    file: DurableFile,
    named: NamedFile,
    header: SegmentHeader,
    seed: number,
    offset: number,
    filledEnd: number,
  ) {
    this.#fs = fs;
    this.#file = file;
    this.named = named;
    this.header = header;
    this.seed = seed;
    this.#startOffset = offset;
    this.offset = offset;
    this.#filledEnd = filledEnd;
  }

  /**
   * Makes a new segment. It gets its name only once its header is synced, so a header that is damaged
   * later was damaged by something other than a power cut.
   *
   * @throws {DiskFullError} when there is no space; nothing is left behind under the final name
   * @throws {PoisonedError} when it can't be known whether the segment is there
   */
  static async create(
    fs: DurableFs,
    directory: string,
    named: NamedFile,
    header: SegmentHeader,
  ): Promise<SegmentWriter> {
    const { bytes, checksum } = encodeHeader(header, fs.crc32);
    const temporary = temporaryPath(named.path);
    let file: DurableFile | undefined;
    let renamed = false;
    try {
      file = await createAnew(fs, temporary);
      await writeFully(file, bytes, 0);
      await fillWithLineFeeds(file, bytes.length, FILL_SIZE_MIN);
      // Sync before rename: otherwise a power cut can leave the new name on an empty file.
      await file.syncAll();
      try {
        await fs.rename(temporary, named.path);
      } catch (error) {
        // A full disk had no room for the name; after any other failure it may be there.
        renamed = !isDiskFull(error);
        throw error;
      }
      renamed = true;
      // Before the first record: otherwise a power cut can take the name, and the record with it. (On FAT the name leads
      // to an empty file until the next sync of it, which is the first record's own: recovery knows such segments.)
      await fs.syncDirectory(directory);
      return new SegmentWriter(fs, file, named, header, checksum, bytes.length, FILL_SIZE_MIN);
    } catch (error) {
      if (renamed) {
        await closeAfterFailure(file);
        // The new segment may or may not be there after a power cut; writing on in the old one could overlap it.
        throw poisoned("sync the directory of", named.path, 0, error);
      }
      await discard(fs, file, temporary);
      throw ioError("create", named.path, error);
    }
  }

  /**
   * Goes on with an existing segment behind its last sound line.
   *
   * @param place where its last batch or seal begins, and where that ends
   */
  static async resume(
    fs: DurableFs,
    named: NamedFile,
    header: SegmentHeader,
    seed: number,
    place: { lastStart: number; soundEnd: number },
  ): Promise<SegmentWriter> {
    const { lastStart, soundEnd: offset } = place;
    let file: DurableFile | undefined;
    try {
      file = await fs.open(named.path, "write");
      const filledEnd = await file.size();
      // Overwritten, not cut off: freed blocks could come back later with the old bytes in them. All of it, line feeds
      // too: after a sync that failed, they can be what is read while the disk still holds a torn tail.
      await fillWithLineFeeds(file, offset, filledEnd);
      await writeAgain(file, lastStart, offset);
      // What a killed process left may still be in memory only; it has been read, so make it durable.
      await file.syncAll();
      return new SegmentWriter(fs, file, named, header, seed, offset, filledEnd);
    } catch (error) {
      await closeAfterFailure(file);
      throw ioError("repair", named.path, error);
    }
  }

  /**
   * Appends one batch and syncs it. Returns once it is durable.
   *
   * @throws {DiskFullError} when there is no space: nothing of the batch is on the disk, and the writer goes on
   * @throws {PoisonedError} when a sync failed, now or before: the writer refuses everything from then on
   */
  append(bytes: Uint8Array): MaybePromise<void> {
    if (this.#poison !== null) throw this.#poison;
    const grows = this.offset + bytes.length + FILL_RESERVE > this.#filledEnd;
    // A fast disk answers at once, and every `await` costs a turn of the queue, even that of nothing.
    const writing = grows ? this.#extendAndWrite(bytes) : this.#write(bytes);
    if (writing === undefined) return this.#syncBatch(bytes.length, grows);
    return writing.then(() => this.#syncBatch(bytes.length, grows));
  }

  async #extendAndWrite(bytes: Uint8Array): Promise<void> {
    await this.#extend(bytes.length);
    await this.#write(bytes);
  }

  #write(bytes: Uint8Array): MaybePromise<void> {
    try {
      const writing = writeFully(this.#file, bytes, this.offset);
      if (writing !== undefined) {
        return writing.catch((error) => this.#rollBack(bytes.length, error));
      }
    } catch (error) {
      return this.#rollBack(bytes.length, error);
    }
  }

  #syncBatch(size: number, grows: boolean): MaybePromise<void> {
    // Never retried: the kernel may have dropped the pages and would report success the second time.
    const failed = (error: unknown) => {
      throw this.#poisonWith("sync", error);
    };
    let syncing;
    try {
      syncing = grows ? this.#file.syncAll() : this.#file.syncData();
    } catch (error) {
      return failed(error);
    }
    if (syncing !== undefined) return syncing.then(() => void (this.offset += size), failed);
    this.offset += size;
  }

  /** Fills more space with line feeds, twice as much as last time up to a limit, so that a busy journal rarely waits. */
  async #extend(needed: number): Promise<void> {
    const step = Math.min(FILL_SIZE_MAX, Math.max(FILL_SIZE_MIN, this.offset - this.#startOffset));
    const end = this.offset + needed + FILL_RESERVE + step;
    const filledEnd = Math.ceil(end / PAGE_SIZE) * PAGE_SIZE;
    try {
      await fillWithLineFeeds(this.#file, this.#filledEnd, filledEnd);
    } catch (error) {
      await this.#undo("extend", () => this.#file.truncate(this.#filledEnd), error);
    }
    this.#filledEnd = filledEnd;
  }

  async #rollBack(size: number, cause: unknown): Promise<void> {
    await this.#undo("write", async () => {
      await fillWithLineFeeds(
        this.#file,
        this.offset,
        Math.min(this.offset + size, this.#filledEnd),
      );
      // Durable before anything else: otherwise a refused mutation could be there after a power cut.
      await this.#file.syncAll();
    }, cause);
  }

  /** Takes a failed step back and throws; poisons when that fails too, or when the failure is not a full disk. */
  async #undo(operation: string, undo: () => unknown, cause: unknown): Promise<never> {
    try {
      await undo();
    } catch (error) {
      throw this.#poisonWith(operation, error);
    }
    if (!isDiskFull(cause)) throw this.#poisonWith(operation, cause);
    throw ioError(operation, this.named.path, cause);
  }

  #poisonWith(operation: string, cause: unknown): MinistateError {
    this.#poison = poisoned(operation, this.named.path, this.offset, cause);
    return this.#poison;
  }

  /** Why nothing more is written, or `null`. */
  get poison(): MinistateError | null {
    return this.#poison;
  }

  /**
   * Writes a seal, so that the last batch is provable too. It fits in the reserve of the fill.
   *
   * @param written what the directory has written so far
   */
  async seal(sequence: number, written?: Life): Promise<void> {
    if (this.#poison !== null) throw this.#poison;
    const bytes = encodeSeal(sequence, this.#fs.crc32, this.seed, written);
    try {
      await writeFully(this.#file, bytes, this.offset);
    } catch (error) {
      await this.#rollBack(bytes.length, error);
    }
    await this.sync();
    this.offset += bytes.length;
    this.#filledEnd = Math.max(this.#filledEnd, this.offset);
  }

  /** Cuts the fill off. Space comes back; nothing depends on it being durable. */
  async trim(): Promise<void> {
    try {
      await this.#file.truncate(this.offset);
      this.#filledEnd = this.offset;
    } catch (error) {
      throw ioError("trim", this.named.path, error);
    }
  }

  /** Makes everything durable that was done so far. */
  async sync(): Promise<void> {
    try {
      await this.#file.syncAll();
    } catch (error) {
      throw this.#poisonWith("sync", error);
    }
  }

  /** Closes the file and nothing else. */
  async close(): Promise<void> {
    await closeFile(this.#file, this.named.path);
  }
}

/** The error after which nothing more is written, because what the disk holds is no longer known. */
export function poisoned(
  operation: string,
  path: string,
  offset: number,
  cause: unknown,
): PoisonedError {
  return new PoisonedError(
    `Cannot ${operation} "${path}": nothing more is written, because what the disk holds is no longer known; ` +
      "everything acknowledged before is safe: check the disk, close, and open again",
    { operation, path, offset, cause },
  );
}
