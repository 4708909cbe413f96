/**
 * Reads a journal's records in order across segments. At the end it can continue once there are more.
 *
 * @module
 */

import {
  CorruptionError,
  ForeignFormatError,
  HistoryGoneError,
  MinistateError,
} from "../errors.ts";
import type { JournalRecord } from "../format/format.ts";
import type { NamedFile } from "../disk/names.ts";
import type { Pieces } from "../disk/pieces.ts";
import { HistoryChain, isOther, pointOf } from "../format/history_point.ts";
import type { Batch, Damage } from "../format/scan.ts";
import { rangeOf, type SequenceSpan } from "../format/ranges.ts";
import { awaitCover } from "./cover.ts";
import type { JournalFiles } from "./journal_files.ts";
import { segmentOfOtherHistory } from "./other_history.ts";
import type { SegmentPlace, SegmentReader } from "./segment_reader.ts";

/** A record, with the version of the mutator that wrote it. */
export interface VersionedRecord extends JournalRecord {
  version: number;
  /** Whether it was refused; `null` when no line says so yet. */
  refused: boolean | null;
}

/** How far a cursor may read: the acknowledged end of a live journal. */
export interface ReadLimit {
  /** The highest sequence that may be returned. */
  sequence: number;
  /** The segment being written: its first sequence, its path, and where its acknowledged bytes end. */
  segmentFirst: number;
  path: string;
  offset: number;
  /** The mutations of the last batch that were refused; `null` when that isn't known. */
  refused: readonly SequenceSpan[] | null;
}

/**
 * The limit for a journal that this process is not writing: all of its files, up to `sequence`.
 *
 * @param refused the mutations of the last batch that were refused, if that is known
 */
export function limitAt(
  sequence: number,
  refused: readonly SequenceSpan[] | null = null,
): ReadLimit {
  return { sequence, segmentFirst: Infinity, path: "", offset: Infinity, refused };
}

/** Where a cursor begins, and what it may return. */
export interface CursorOptions {
  /** Where the first record, or the batch that holds it, begins, if that is known. */
  place?: SegmentPlace | null;
  /** The checksum of the batch before the first record, if that is known. */
  checksum?: number | null;
  /** Whether another process is writing the journal. If so, a batch is returned only once it is durable. */
  beside?: boolean;
  /** How much to read at once. */
  pieces?: Pieces | undefined;
}

/** Where reading ends in a segment. */
function endIn(reader: SegmentReader, limit: ReadLimit | null): number {
  return limit?.path === reader.file.path ? limit.offset : Infinity;
}

/** A position in a journal. One call at a time. */
export class JournalCursor {
  readonly #files: JournalFiles;
  readonly #limit: () => ReadLimit | null;
  readonly #beside: boolean;
  readonly #pieces: Pieces | undefined;
  #reader: SegmentReader | null = null;
  /** Where to continue when no file is open. */
  #place: SegmentPlace | null;
  /** Batches read from the open segment but not returned yet. */
  #ahead: Batch[] | null = null;
  /** What was read so far. A segment of another history would otherwise continue it unnoticed. */
  readonly #chain: HistoryChain;
  /** The next sequence. */
  next: number;

  /** @param limit how far to read; `null` for as far as there are records */
  constructor(
    files: JournalFiles,
    from: number,
    limit: () => ReadLimit | null = () => null,
    { place = null, beside = false, checksum = null, pieces }: CursorOptions = {},
  ) {
    this.#files = files;
    this.next = from;
    this.#limit = limit;
    this.#place = place;
    this.#beside = beside;
    this.#pieces = pieces;
    this.#chain = new HistoryChain({ sequence: from - 1, checksum });
  }

  /**
   * The next records, at least one, or `null` when there are none now.
   *
   * @throws {HistoryGoneError} when compaction has deleted them
   * @throws {CorruptionError} when they are damaged, or of another history than what was read before
   * @throws {DirectoryGoneError} when the journal that was read so far is gone
   */
  read(): Promise<VersionedRecord[] | null> {
    return this.#files.read(() => this.#read());
  }

  async #read(): Promise<VersionedRecord[] | null> {
    for (;;) {
      const limit = this.#limit();
      if (limit !== null && this.next > limit.sequence) return null;
      const reader = this.#reader ??= await this.#reopen() ??
        await this.#openSegment(limit !== null);
      if (reader === null) return null;
      const { batches, later } = await this.#readOn(reader, limit);
      if (batches === null && later === null) {
        // What was acknowledged must be there. Otherwise the caller would wait or poll for it forever.
        if (limit !== null) this.#checkComplete(reader, limit.sequence + 1);
        return null;
      }
      if (batches === null) {
        this.#checkComplete(reader, later!.sequence);
        await this.close();
        continue;
      }
      if (this.#beside) await this.#cover(reader, batches);
      const outcome = await this.#outcomeOfLast(reader, limit);
      const records = this.#recordsOf(batches, outcome, reader, limit?.sequence ?? Infinity);
      if (records.length > 0) return records;
    }
  }

  /**
   * What follows the last record returned, if it is not sound. At a live end, it may only be unfinished. Known only
   * while the segment is open.
   */
  get damage(): Damage | null {
    return this.#reader?.damage ?? null;
  }

  /** Makes sure that `batches` are durable before they are returned. */
  async #cover(reader: SegmentReader, batches: Batch[]): Promise<void> {
    // They still have to be returned if this fails.
    this.#ahead = batches;
    const isFollowed = async () => await this.#laterSegment(reader) !== null;
    this.#ahead = await awaitCover(reader, batches.at(-1)!.timestamp, isFollowed);
  }

  /**
   * Reads on until a line says which mutations of the last batch read were refused.
   *
   * @returns `null` when there is no such line yet
   */
  async #outcomeOfLast(
    reader: SegmentReader,
    limit: ReadLimit | null,
  ): Promise<readonly SequenceSpan[] | null> {
    try {
      const { batches, later } = await this.#readOn(reader, limit);
      this.#ahead = batches;
      if (batches !== null) return batches[0]!.refused;
      if (reader.refused !== null) return reader.refused;
      if (later === null) return limit?.refused ?? null;
      const refused = later.sequence === reader.expected
        ? await this.#refusedIn(later, reader.checksum).catch(nullIfForeign)
        : null;
      // What comes after the last record that an open has kept may be of another history.
      return refused ?? (limit?.sequence === reader.expected - 1 ? limit.refused : null);
    } catch {
      // What was read counts. The next read meets the same trouble.
      return null;
    }
  }

  /** What comes next in a segment, and the segment after it if there is nothing more. */
  async #readOn(
    reader: SegmentReader,
    limit: ReadLimit | null,
  ): Promise<{ batches: Batch[] | null; later: NamedFile | null }> {
    const batches = this.#ahead ?? await reader.read(endIn(reader, limit));
    this.#ahead = null;
    if (batches !== null) return { batches, later: null };
    const later = await this.#laterSegment(reader);
    // It may have grown before the later segment was begun; from now on it can't.
    return { batches: later === null ? null : await reader.read(), later };
  }

  /**
   * What a segment's header, or else the seal or batch after it, lists as refused.
   *
   * @param checksum that of the batch it has to continue
   */
  async #refusedIn(
    segment: NamedFile,
    checksum: number | null,
  ): Promise<readonly SequenceSpan[] | null> {
    const reader = await this.#files.open(segment);
    try {
      if (isOther(pointOf(reader.header).checksum, checksum)) return null;
      const batches = reader.refused === null ? await reader.read() : null;
      return batches === null ? reader.refused : batches[0]!.refused;
    } finally {
      await reader.close();
    }
  }

  /** @param outcome what of the last batch was refused, if that is known */
  #recordsOf(
    batches: Batch[],
    outcome: readonly SequenceSpan[] | null,
    { file, header }: SegmentReader,
    sequenceLast: number,
  ): VersionedRecord[] {
    const { version } = header;
    const records: VersionedRecord[] = [];
    for (const [index, batch] of batches.entries()) {
      const { sequenceFirst, timestamp, mutations } = batch;
      if (!this.#chain.passes(batch, header)) throw segmentOfOtherHistory(file, this.next);
      const ranges = batches[index + 1]?.refused ?? outcome;
      // With a live writer, there may be more by now than the limit, which is what the reader has seen.
      const count = Math.min(mutations.length, sequenceLast - sequenceFirst + 1);
      for (let i = Math.max(0, this.next - sequenceFirst); i < count; i++) {
        const sequence = sequenceFirst + i;
        const refused = ranges === null ? null : rangeOf(ranges, sequence) !== undefined;
        records.push({ sequence, timestamp, mutation: mutations[i], version, refused });
      }
    }
    if (records.length > 0) this.next = records[records.length - 1]!.sequence + 1;
    return records;
  }

  /** Reopens the segment at the place where reading stopped, if it is still there. */
  async #reopen(): Promise<SegmentReader | null> {
    const place = this.#place;
    this.#place = null;
    if (place === null) return null;
    try {
      const reader = await this.#files.open(place.file, this.#pieces);
      reader.continueFrom(place);
      return reader;
    } catch (error) {
      if (error instanceof MinistateError && error.systemCode === "ENOENT") return null;
      throw error;
    }
  }

  /**
   * @param acknowledged whether the next record is known to have been written
   * @param deleted the segment that was listed a moment ago and is gone now
   */
  async #openSegment(acknowledged: boolean, deleted = ""): Promise<SegmentReader | null> {
    const { segments, directory } = await this.#files.list();
    const segment = segments.findLast((segment) => segment.sequence <= this.next);
    if (segment === undefined) {
      // A journal that was there has at least one segment.
      if (segments.length === 0) await this.#files.check();
      if (segments.length === 0) return null;
      throw new HistoryGoneError(
        `The journal in "${directory}" begins with sequence ${
          segments[0]!.sequence
        }, and ${this.next} was asked for: ` +
          "compaction has deleted everything earlier; start from there",
        { path: directory, sequence: this.next },
      );
    }
    try {
      return await this.#files.open(segment, this.#pieces);
    } catch (error) {
      // Compaction may have deleted it since it was listed; if so, the next listing shows that.
      const isGone = error instanceof MinistateError && error.systemCode === "ENOENT";
      if (!isGone || segment.path === deleted) throw error;
      return acknowledged ? await this.#openSegment(true, segment.path) : null;
    }
  }

  async #laterSegment(reader: SegmentReader): Promise<NamedFile | null> {
    const { segments } = await this.#files.list();
    return segments.find((segment) => segment.sequence > reader.file.sequence) ?? null;
  }

  /** A segment with a later one must reach up to it. */
  #checkComplete(reader: SegmentReader, nextFirst: number): void {
    const { path } = reader.file;
    // Bytes between the last record and the next segment belong to no one; ignore them.
    if (reader.expected === nextFirst) return;
    if (reader.damage !== null) {
      throw new CorruptionError(
        `"${path}" is damaged at offset ${reader.damage.offset}: its history from sequence ${reader.expected} on can't be read`,
        {
          path,
          offset: reader.damage.offset,
          sequence: reader.expected,
          lost: { sequenceFirst: reader.expected, sequenceLast: nextFirst - 1 },
        },
      );
    }
    throw new HistoryGoneError(
      `The journal continues with sequence ${nextFirst} after ${
        reader.expected - 1
      }: the records between are gone`,
      { path, sequence: reader.expected },
    );
  }

  /**
   * Makes sure that the journal still exists. An open file outlives it, and nothing more would ever arrive.
   *
   * @throws {DirectoryGoneError} when it does not
   */
  check(): Promise<void> {
    return this.#files.check();
  }

  /** Closes the open segment. The next `read` continues at the same place. */
  async rest(): Promise<void> {
    const reader = this.#reader;
    if (reader === null) return;
    const { file, soundEnd: offset, expected: sequence } = reader;
    this.#reader = null;
    this.#place = { file, offset, sequence };
    await reader.close();
  }

  /** Closes the open segment. The next `read` searches for its place again. */
  async close(): Promise<void> {
    const reader = this.#reader;
    this.#reader = this.#place = this.#ahead = null;
    await reader?.close();
  }
}

/** For a segment of another journal, which says nothing about this one. */
function nullIfForeign(error: unknown): null {
  if (error instanceof ForeignFormatError) return null;
  throw error;
}
