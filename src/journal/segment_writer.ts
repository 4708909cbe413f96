/**
 * Appends batches to one segment: each with one write at a position and one sync, into space filled beforehand.
 *
 * @module
 */

import { closeAfterFailure, closeFile } from "../disk/close_file.ts";
import type { DurableFile, DurableFs, MaybePromise } from "../durable_fs.ts";
import { type Beginning, encodeSeal, type SealContent } from "../format/encode.ts";
import type { MinistateError } from "../errors.ts";
import { ioError, isDiskFull } from "../failures.ts";
import type { SegmentHeader } from "../format/format.ts";
import { pointOf } from "../format/history_point.ts";
import { type NamedFile, temporaryPath } from "../disk/names.ts";
import { FillAhead } from "./fill_ahead.ts";
import { poisoned } from "./poison.ts";
import { hasNoSpaceFor, repairTail, type TailRepair } from "./tail_repair.ts";
import { createTemporary, discard, writeFully } from "../disk/file_io.ts";

/** A segment that is open for writing. */
interface OpenSegment {
  handle: DurableFile;
  file: NamedFile;
  header: SegmentHeader;
  /** The header's checksum. */
  seed: number;
  /** See {@linkcode SegmentWriter.checksum}. */
  checksum: number | null;
}

/** The one writer of one segment. */
export class SegmentWriter {
  readonly #fs: DurableFs;
  readonly #handle: DurableFile;
  readonly file: NamedFile;
  readonly header: SegmentHeader;
  /** The header's checksum. */
  readonly seed: number;
  /** Where the next batch goes. Everything before it is synced. */
  offset: number;
  /** The checksum of the batch before that place, in this segment or an earlier one; `null` when it is not known. */
  checksum: number | null;
  readonly #fill: FillAhead;
  #poison: MinistateError | null = null;
  /** What must be done before anything is written, because the disk was too full to do it so far. */
  #repair: TailRepair | null = null;
  /** How much of the latest batch the disk took. One reused object, because every commit needs it. */
  readonly #progress = { taken: 0 };

  private constructor(fs: DurableFs, segment: OpenSegment, offset: number, fill: FillAhead) {
    this.#fs = fs;
    this.#handle = segment.handle;
    this.file = segment.file;
    this.header = segment.header;
    this.seed = segment.seed;
    this.checksum = segment.checksum;
    this.offset = offset;
    this.#fill = fill;
  }

  /**
   * Creates a new segment. It gets its name only once its beginning is synced, so if that is damaged later,
   * something other than a power cut damaged it.
   *
   * @param beginning its header, and the initial state if it holds that
   * @param fillsAhead whether this process has appended a batch before
   * @throws {DiskFullError} when there is no space; nothing is left under the final name
   * @throws {PoisonedError} when it can't be determined whether the segment is there
   */
  static async create(
    fs: DurableFs,
    directory: string,
    file: NamedFile,
    { bytes, header, checksum }: Beginning,
    fillsAhead: boolean,
  ): Promise<SegmentWriter> {
    let temporary = temporaryPath(file.path);
    let handle: DurableFile | undefined;
    let renamed = false;
    try {
      ({ file: handle, path: temporary } = await createTemporary(fs, file.path));
      await writeFully(handle, bytes, 0);
      // Sync before rename: otherwise a power cut can leave the new name on an empty file.
      await handle.syncAll();
      try {
        await fs.rename(temporary, file.path);
      } catch (error) {
        // A full disk had no room for the name. After any other failure the name may be there.
        renamed = !isDiskFull(error);
        throw error;
      }
      renamed = true;
      // Before the first record: otherwise a power cut can take the name, and the record with it. On FAT the name leads
      // to an empty file until the file's next sync, which is that of the first record: recovery handles such segments.
      await fs.syncDirectory(directory);
      const fill = new FillAhead(bytes.length, bytes.length, fillsAhead);
      const before = pointOf(header).checksum;
      const segment = { handle, file, header, seed: checksum, checksum: before };
      return new SegmentWriter(fs, segment, bytes.length, fill);
    } catch (error) {
      if (renamed) {
        await closeAfterFailure(handle);
        // The new segment may or may not be there after a power cut. Continuing in the old one could overlap it.
        throw poisoned("sync the directory of", file.path, 0, error);
      }
      await discard(fs, handle, temporary);
      throw ioError("create", file.path, error);
    }
  }

  /**
   * Continues an existing segment after its last sound line.
   *
   * @param place where its last batch or seal begins, where that ends, and the checksum of the last batch
   */
  static async resume(
    fs: DurableFs,
    file: NamedFile,
    header: SegmentHeader,
    seed: number,
    place: { lastStart: number; soundEnd: number; checksum: number | null },
  ): Promise<SegmentWriter> {
    let handle: DurableFile | undefined;
    try {
      handle = await fs.open(file.path, "write");
      const { lastStart, soundEnd, checksum } = place;
      const repair = { lastStart, soundEnd, end: await handle.size() };
      const isFull = await hasNoSpaceFor(() => repairTail(handle!, repair));
      // What a killed process left may still be in memory only. It has been read, so make it durable.
      await handle.syncAll();
      const fill = new FillAhead(soundEnd, repair.end, false);
      const writer = new SegmentWriter(
        fs,
        { handle, file, header, seed, checksum },
        soundEnd,
        fill,
      );
      // The state can still be read, and the next append tries again.
      if (isFull) writer.#repair = repair;
      return writer;
    } catch (error) {
      await closeAfterFailure(handle);
      throw ioError("repair", file.path, error);
    }
  }

  /**
   * Appends one batch and syncs it. Returns once it is durable.
   *
   * @throws {DiskFullError} when there is no space: nothing of the batch counts, and the writer continues
   * @throws {PoisonedError} when a sync failed, now or before: the writer refuses everything from then on
   */
  append(bytes: Uint8Array): MaybePromise<void> {
    if (this.#poison !== null) throw this.#poison;
    const grows = this.#repair !== null || !this.#fill.fits(this.offset, bytes.length);
    // A fast disk answers synchronously, and every `await` costs a turn of the queue, even with nothing to wait for.
    const writing = grows ? this.#extendAndWrite(bytes) : this.#write(bytes);
    if (writing === undefined) return this.#syncBatch(bytes.length, grows);
    return writing.then(() => this.#syncBatch(bytes.length, grows));
  }

  async #extendAndWrite(bytes: Uint8Array): Promise<void> {
    await this.settle();
    if (this.#fill.fits(this.offset, bytes.length)) return await this.#write(bytes);
    try {
      await this.#fill.extendFor(this.#handle, this.offset, bytes.length);
    } catch (error) {
      if (!isDiskFull(error)) throw this.#poisonWith("extend", error);
      throw ioError("extend", this.file.path, error);
    }
    await this.#write(bytes);
    try {
      await this.#fill.cutReserve(this.#handle, this.offset + bytes.length);
    } catch (error) {
      throw this.#poisonWith("cut", error);
    }
  }

  /**
   * Does what the disk was too full for so far. Until that is done, nothing is written here or in a later segment.
   *
   * @throws {DiskFullError} when there is still no space for it
   */
  async settle(): Promise<void> {
    if (this.#repair === null) return;
    const repair = this.#repair;
    try {
      await repairTail(this.#handle, repair);
    } catch (error) {
      if (!isDiskFull(error)) throw this.#poisonWith("repair", error);
      throw ioError("repair", this.file.path, error);
    }
    // Durable before anything else: otherwise a refused mutation could be there after a power cut.
    await this.sync();
    this.#fill.end = Math.min(this.#fill.end, repair.end);
    this.#repair = null;
  }

  #write(bytes: Uint8Array): MaybePromise<void> {
    try {
      const writing = writeFully(this.#handle, bytes, this.offset, this.#progress);
      if (writing !== undefined) return writing.catch((error) => this.#rollBack(bytes, error));
    } catch (error) {
      return this.#rollBack(bytes, error);
    }
  }

  #syncBatch(size: number, grows: boolean): MaybePromise<void> {
    // Never retried: the kernel may have dropped the pages and would report success the second time.
    const failed = (error: unknown) => {
      throw this.#poisonWith("sync", error);
    };
    let syncing;
    try {
      syncing = grows ? this.#handle.syncAll() : this.#handle.syncData();
    } catch (error) {
      return failed(error);
    }
    if (syncing !== undefined) return syncing.then(() => this.#appended(size), failed);
    this.#appended(size);
  }

  #appended(size: number): void {
    this.offset += size;
    this.#fill.isAhead = true;
  }

  /** Whether the next batch also fills space ahead for those after it. */
  get fillsAhead(): boolean {
    return this.#fill.isAhead;
  }

  /** Takes back a batch or seal that was written in part, and throws. */
  async #rollBack(bytes: Uint8Array, cause: unknown): Promise<never> {
    const { taken } = this.#progress;
    const isFull = isDiskFull(cause);
    // A write that finds no space at all leaves everything as it was.
    if (!isFull || taken > 0) {
      const filled = Math.min(this.offset + bytes.length, this.#fill.end);
      const end = Math.max(filled, this.offset + taken);
      this.#repair = { lastStart: this.offset, soundEnd: this.offset, end };
      try {
        await this.settle();
      } catch (error) {
        // If only its line feed is missing, the batch would count: the fill already has a line feed there.
        const isComplete = taken >= bytes.length - 1;
        if (!isDiskFull(error) || isComplete) throw this.#poisonWith("write", error);
      }
    }
    if (!isFull) throw this.#poisonWith("write", cause);
    throw ioError("write", this.file.path, cause);
  }

  #poisonWith(operation: string, cause: unknown): MinistateError {
    this.#poison = poisoned(operation, this.file.path, this.offset, cause);
    return this.#poison;
  }

  /** Why nothing more is written, or `null`. */
  get poison(): MinistateError | null {
    return this.#poison;
  }

  /**
   * Writes a seal, so that the last batch is provable too. It fits in the reserve of the fill, and must be synced.
   *
   * @param notes about the directory so far
   */
  async writeSeal(content: SealContent): Promise<void> {
    if (this.#poison !== null) throw this.#poison;
    await this.settle();
    const bytes = encodeSeal(content, this.#fs.crc32, this.seed);
    try {
      await writeFully(this.#handle, bytes, this.offset, this.#progress);
    } catch (error) {
      await this.#rollBack(bytes, error);
    }
    this.offset += bytes.length;
    this.#fill.end = Math.max(this.#fill.end, this.offset);
  }

  /** Cuts off the fill. This frees space; nothing depends on it being durable. */
  async trim(): Promise<void> {
    if (this.#repair === null && this.#fill.end <= this.offset) return;
    try {
      await this.#handle.truncate(this.offset);
      this.#fill.end = this.offset;
      if (this.#repair !== null) this.#repair.end = this.offset;
    } catch (error) {
      throw ioError("trim", this.file.path, error);
    }
  }

  /** Makes everything done so far durable. */
  async sync(): Promise<void> {
    try {
      await this.#handle.syncAll();
    } catch (error) {
      throw this.#poisonWith("sync", error);
    }
  }

  /** Closes the file and does nothing else. */
  async close(): Promise<void> {
    await closeFile(this.#handle, this.file.path);
  }
}
