/**
 * Reads one segment batch by batch, from its header to the last sound line, with bounded memory.
 *
 * @module
 */

import { type OpenedFile, openFile, soundHeader } from "../disk/header_file.ts";
import { closeAfterFailure, closeFile } from "../disk/close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import type { MinistateError } from "../errors.ts";
import { ioError } from "../failures.ts";
import { type CompactionFailure, readCompactionFailure } from "../format/compaction_failure.ts";
import { BATCH_SIZE_MAX, type SegmentHeader } from "../format/format.ts";
import type { NamedFile } from "../disk/names.ts";
import { type Pieces, piecesOf } from "../disk/pieces.ts";
import { countIn, NO_RANGES, type SequenceSpan } from "../format/ranges.ts";
import { type Batch, type Damage, scanBatches, type ScanResult } from "../format/scan.ts";
import { pointOf } from "../format/history_point.ts";
import { Holes, readGiven, readOver } from "../disk/read_around.ts";
import { SegmentTotals } from "../wear/segment_totals.ts";

const CHUNK_SIZE = 64 * 1024;
const CHUNKS = piecesOf(CHUNK_SIZE);

export interface SegmentPlace {
  file: NamedFile;
  offset: number;
  sequence: number;
}

/** Reads one segment. Call {@linkcode SegmentReader.read} until it returns `null`; then look at the end. */
export class SegmentReader {
  readonly #fs: DurableFs;
  readonly #file: DurableFile;
  readonly #holes = new Holes();
  readonly #pieces: Pieces;
  #buffer: Uint8Array;
  /** The segment's name and place. */
  readonly file: NamedFile;
  readonly header: SegmentHeader;
  /** The header's checksum, which seeds all others of the segment. */
  readonly seed: number;
  /** Where the header ends, and the initial state begins if there is one. */
  readonly headerEnd: number;
  /** What the lines up to the last sound one cost. */
  readonly written: SegmentTotals;
  /** Why the last compaction failed, by the last sound header or seal; `null` when it did not. */
  compactionFailure: CompactionFailure | null;
  /** Where the last sound line ends. What is between the header and the first batch is not read here. */
  soundEnd: number;
  /** Where the last sound batch begins, or the seal after it; where the first one would begin if there is neither. */
  lastStart: number;
  /** The sequence that the next record must have. */
  expected: number;
  /** The checksum of the batch before that record, in this segment or an earlier one; `null` when it is not known. */
  checksum: number | null;
  /** Whether the last sound line is a seal. */
  sealed = false;
  /** What the header, or the last seal, lists as refused in the last batch; `null` when neither says. */
  refused: readonly SequenceSpan[] | null;
  /** How many of its mutations the batches read so far list as refused. */
  refusedCount = 0;
  /** What its first batch lists as refused in the batch before this segment; `null` when none was read. */
  refusedBefore: readonly SequenceSpan[] | null = null;
  /** The first unsound place, once `read` has returned `null`. */
  damage: Damage | null = null;

  private constructor(
    fs: DurableFs,
    file: NamedFile,
    opened: OpenedFile<SegmentHeader>,
    pieces: Pieces,
  ) {
    const { header, checksum, size } = soundHeader(file, opened);
    this.#fs = fs;
    this.#file = opened.handle;
    this.#pieces = pieces;
    this.#buffer = new Uint8Array(pieces.size);
    this.file = file;
    this.header = header;
    this.seed = checksum;
    const start = size + (header.initial ?? 0);
    this.written = new SegmentTotals(header, start);
    this.compactionFailure = readCompactionFailure(header.compactionFailure);
    this.headerEnd = size;
    this.soundEnd = start;
    this.lastStart = start;
    this.expected = header.first;
    ({ checksum: this.checksum } = pointOf(header));
    this.refused = header.undecided === true ? null : header.refused ?? NO_RANGES;
  }

  /**
   * Opens a segment and reads its header.
   *
   * @param pieces how much to read at once
   * @throws {TooNewError} when a newer version wrote it
   * @throws {ForeignFormatError} when it is not ours
   * @throws {CorruptionError} when the header is damaged: a segment gets its name only once its header is synced
   */
  static async open(
    fs: DurableFs,
    file: NamedFile,
    pieces?: Pieces,
  ): Promise<SegmentReader> {
    return await SegmentReader.over(fs, file, await openFile(fs, file, "journal"), pieces);
  }

  /** Like {@linkcode SegmentReader.open} for a file that is open already. On an error, the file is closed. */
  static async over(
    fs: DurableFs,
    file: NamedFile,
    opened: OpenedFile<SegmentHeader>,
    pieces = CHUNKS,
  ): Promise<SegmentReader> {
    try {
      return new SegmentReader(fs, file, opened, pieces);
    } catch (error) {
      await closeAfterFailure(opened.handle);
      throw error;
    }
  }

  /** Continues from a place that was sound when another reader was there. */
  continueFrom({ offset, sequence }: SegmentPlace): void {
    this.soundEnd = this.lastStart = offset;
    this.expected = sequence;
    this.refused = null;
    this.checksum = null;
  }

  /**
   * Continues reading after the last sound line.
   *
   * @param limit how far to read; a live journal's reader stops at the acknowledged end
   * @returns the next batches, or `null` when there are none; call again later to try again
   * @throws {IoError} when the disk refuses to read the next bytes; every batch before them has been returned
   */
  async read(limit = Infinity): Promise<Batch[] | null> {
    let from = this.soundEnd;
    this.damage = null;
    const { size } = this.#pieces;
    if (size > this.#buffer.length) this.#buffer = new Uint8Array(size);
    let carried = 0;
    for (;;) {
      const room = Math.min(this.#buffer.length - carried, limit - from - carried);
      const chunk = this.#buffer.subarray(carried, carried + Math.max(room, 0));
      const { size: count, refusal } = await this.#give(chunk, from + carried);
      const atEnd = refusal === null &&
        (count < chunk.length || room <= 0 || from + carried + count >= limit);
      const bytes = this.#buffer.subarray(0, carried + count);
      const piece = { bytes, base: from, seed: this.seed, crc32: this.#fs.crc32 };
      this.#pieces.begin();
      const found = scanBatches(piece, this.expected, atEnd);
      this.#pieces.end(count);
      this.damage = found.damage;
      if (found.soundEnd >= 0) {
        const batches = this.#advance(from + found.soundEnd, found);
        if (batches.length > 0) return batches;
      }
      if (found.damage !== null || atEnd) return null;
      if (refusal !== null) {
        this.#holes.note(refusal, from + carried + count);
        throw refusal;
      }
      this.#buffer.copyWithin(0, found.consumed, bytes.length);
      carried = bytes.length - found.consumed;
      from += found.consumed;
      if (carried === this.#buffer.length && !this.#grow(from)) return null;
    }
  }

  /**
   * Reads up to its end, to damage, to `limit`, or to the first place that the disk refuses to read.
   *
   * @returns the last batch; `null` when there is none
   */
  async readSound(consume: (batch: Batch) => void, limit?: number): Promise<Batch | null> {
    let last: Batch | null = null;
    try {
      for (let batches; (batches = await this.read(limit)) !== null;) {
        batches.forEach(consume);
        last = batches[batches.length - 1]!;
      }
    } catch (error) {
      // An error thrown by a consumer is never ours to ignore.
      if (error !== this.unreadable) throw error;
    }
    return last;
  }

  /** Moves on to the end of what was found; returns the batches, which list what was refused before them. */
  #advance(soundEnd: number, { batches, seals, sealed, refused }: ScanResult): Batch[] {
    this.soundEnd = soundEnd;
    this.sealed = sealed === true;
    this.written.add(batches, seals);
    for (const seal of seals) this.compactionFailure = seal.compactionFailure;
    const last = batches[batches.length - 1];
    this.lastStart = (this.sealed ? seals[seals.length - 1] : last)!.offset;
    if (last === undefined) {
      this.refused = refused ?? this.refused;
      return batches;
    }
    this.expected = last.sequenceLast + 1;
    this.checksum = last.checksum;
    this.refused = refused;
    for (const { sequenceFirst, refused } of batches) {
      if (sequenceFirst === this.header.first) this.refusedBefore = refused;
      else this.refusedCount += countIn(refused);
    }
    return batches;
  }

  /** Makes room for a batch larger than the buffer. No batch of ours is larger than the limit. */
  #grow(from: number): boolean {
    if (this.#buffer.length >= BATCH_SIZE_MAX + CHUNK_SIZE) {
      this.damage = { offset: from, reason: "too large" };
      return false;
    }
    const larger = new Uint8Array(Math.min(this.#buffer.length * 4, BATCH_SIZE_MAX + CHUNK_SIZE));
    larger.set(this.#buffer);
    this.#buffer = larger;
    return true;
  }

  #give(buffer: Uint8Array, offset: number) {
    return readGiven(this.#file, this.file.path, buffer, offset);
  }

  /** Reads raw bytes, to look for proof after the sound part. Zero bytes stand where the disk refuses to read. */
  readAt(buffer: Uint8Array, offset: number): Promise<number> {
    return readOver(this.#file, this.file.path, buffer, offset, this.#holes);
  }

  /** The open file, for reading the initial state. */
  get handle(): DurableFile {
    return this.#file;
  }

  /** The first place that the disk refused to read, as an error; `null` when it read everything. */
  get unreadable(): MinistateError | null {
    return this.#holes.first;
  }

  /** The current size of the file. */
  async size(): Promise<number> {
    try {
      return await this.#file.size();
    } catch (error) {
      throw ioError("read", this.file.path, error);
    }
  }

  /** Makes the file's contents durable, whoever wrote them. */
  async syncData(): Promise<void> {
    try {
      await this.#file.syncData();
    } catch (error) {
      throw ioError("sync", this.file.path, error);
    }
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await closeFile(this.#file, this.file.path);
  }
}
