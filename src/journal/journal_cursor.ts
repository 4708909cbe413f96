/**
 * Reads a journal's records in order across segments, and goes on where it stopped once there are more.
 *
 * @module
 */

import { CorruptionError, HistoryGoneError, MinistateError } from "../errors.ts";
import type { JournalRecord } from "../format/format.ts";
import type { NamedFile } from "../disk/names.ts";
import type { Batch, Damage } from "../format/scan.ts";
import { awaitCover } from "./cover.ts";
import type { JournalFiles } from "./journal_files.ts";
import type { SegmentPlace, SegmentReader } from "./segment_reader.ts";

/** A record, with the version of the mutator that wrote it. */
export interface VersionedRecord extends JournalRecord {
  version: number;
}

/** How far a cursor may read: a live journal's acknowledged end. */
export interface ReadLimit {
  /** The highest sequence that may be given. */
  sequence: number;
  /** The segment being written: its first sequence, its path, and where its acknowledged bytes end. */
  segmentFirst: number;
  path: string;
  offset: number;
}

/** The limit for a journal that nobody here is writing: all of its files, up to `sequence`. */
export function limitAt(sequence: number): ReadLimit {
  return { sequence, segmentFirst: Infinity, path: "", offset: Infinity };
}

/** How a cursor begins, and what it may give. */
export interface CursorOptions {
  /** Where the first record stands, or the batch that it is in, when that is known. */
  place?: SegmentPlace | null;
  /** Whether it reads beside a writer in another process: then a batch is given only once it is durable. */
  beside?: boolean;
}

/** A place in a journal. One call at a time. */
export class JournalCursor {
  readonly #files: JournalFiles;
  readonly #limit: () => ReadLimit | null;
  readonly #beside: boolean;
  #reader: SegmentReader | null = null;
  /** Where to go on when no file is open. */
  #place: SegmentPlace | null;
  /** What was read of the open segment, and not given yet. */
  #ahead: Batch[] | null = null;
  /** The sequence that comes next. */
  next: number;

  /** @param limit how far to read; `null` for as far as there is */
  constructor(
    files: JournalFiles,
    from: number,
    limit: () => ReadLimit | null = () => null,
    { place = null, beside = false }: CursorOptions = {},
  ) {
    this.#files = files;
    this.next = from;
    this.#limit = limit;
    this.#place = place;
    this.#beside = beside;
  }

  /**
   * The next records, one at least, or `null` when there are none now.
   *
   * @throws {HistoryGoneError} when compaction has deleted them
   * @throws {CorruptionError} when they are damaged
   * @throws {DirectoryGoneError} when the journal that was read so far is there no more
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
      let batches = this.#ahead ??
        await reader.read(limit?.path === reader.named.path ? limit.offset : Infinity);
      if (batches === null) {
        const later = await this.#laterSegment(reader);
        if (later === null) {
          // What was acknowledged must be there; otherwise whoever waits for it would wait, or ask, for ever.
          if (limit !== null) this.#checkComplete(reader, limit.sequence + 1);
          return null;
        }
        // It may have grown before the later one was begun; now it can't grow any more.
        batches = await reader.read();
        if (batches === null) {
          this.#checkComplete(reader, later.sequence);
          await this.close();
          continue;
        }
      }
      if (this.#beside) await this.#cover(reader, batches);
      const records = this.#recordsOf(batches, reader.header.version, limit?.sequence ?? Infinity);
      if (records.length > 0) return records;
    }
  }

  /**
   * What stands behind the last record given, if it is not sound; at a live end, it may only be unfinished. Known while
   * the segment is open.
   */
  get damage(): Damage | null {
    return this.#reader?.damage ?? null;
  }

  /** Sees to it that `batches` are durable before they are given. */
  async #cover(reader: SegmentReader, batches: Batch[]): Promise<void> {
    // Still to be given when this fails.
    this.#ahead = batches;
    const isFollowed = async () => await this.#laterSegment(reader) !== null;
    this.#ahead = await awaitCover(reader, batches.at(-1)!.timestamp, isFollowed);
  }

  #recordsOf(batches: Batch[], version: number, sequenceLast: number): VersionedRecord[] {
    const records: VersionedRecord[] = [];
    for (const { sequenceFirst, timestamp, mutations } of batches) {
      // Beside a live writer there may be more by now than the limit, which is what the reader has seen.
      const count = Math.min(mutations.length, sequenceLast - sequenceFirst + 1);
      for (let i = Math.max(0, this.next - sequenceFirst); i < count; i++) {
        records.push({ sequence: sequenceFirst + i, timestamp, mutation: mutations[i], version });
      }
    }
    if (records.length > 0) this.next = records[records.length - 1]!.sequence + 1;
    return records;
  }

  /** Opens the segment at the place where it stopped, if it is still there. */
  async #reopen(): Promise<SegmentReader | null> {
    const place = this.#place;
    this.#place = null;
    if (place === null) return null;
    try {
      const reader = await this.#files.open(place.named);
      reader.continueFrom(place);
      return reader;
    } catch (error) {
      if (error instanceof MinistateError && error.systemCode === "ENOENT") return null;
      throw error;
    }
  }

  /**
   * @param acknowledged whether what comes next is known to have been written
   * @param deleted the segment that was listed a moment ago and is no longer there
   */
  async #openSegment(acknowledged: boolean, deleted = ""): Promise<SegmentReader | null> {
    const { segments, directory } = await this.#files.list();
    const named = segments.findLast((segment) => segment.sequence <= this.next);
    if (named === undefined) {
      // A journal that was there has one segment at least.
      if (segments.length === 0) await this.#files.check();
      if (segments.length === 0) return null;
      throw new HistoryGoneError(
        `The journal in "${directory}" begins with sequence ${
          segments[0]!.sequence
        }, and ${this.next} was asked for: ` +
          "compaction has deleted what was before; ask from there on",
        { path: directory, sequence: this.next },
      );
    }
    try {
      return await this.#files.open(named);
    } catch (error) {
      // Compaction may have deleted it since it was listed; then the next listing tells.
      const isGone = error instanceof MinistateError && error.systemCode === "ENOENT";
      if (!isGone || named.path === deleted) throw error;
      return acknowledged ? await this.#openSegment(true, named.path) : null;
    }
  }

  async #laterSegment(reader: SegmentReader): Promise<NamedFile | null> {
    const { segments } = await this.#files.list();
    return segments.find((segment) => segment.sequence > reader.named.sequence) ?? null;
  }

  /** A segment that others follow must reach up to the next one. */
  #checkComplete(reader: SegmentReader, nextFirst: number): void {
    const { path } = reader.named;
    // What stands behind the last record before the next segment is nobody's.
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
      `The journal goes on with sequence ${nextFirst} after ${
        reader.expected - 1
      }: what was between is gone`,
      { path, sequence: reader.expected },
    );
  }

  /**
   * Makes sure that the journal is still there: a file that is held open outlives it, and nothing more would ever come.
   *
   * @throws {DirectoryGoneError} when it is not
   */
  check(): Promise<void> {
    return this.#files.check();
  }

  /** Closes the segment that is open, and goes on at the same place with the next `read`. */
  async rest(): Promise<void> {
    const reader = this.#reader;
    if (reader === null) return;
    const { named, soundEnd: offset, expected: sequence } = reader;
    this.#reader = null;
    this.#place = { named, offset, sequence };
    await reader.close();
  }

  /** Closes the segment that is open. The next `read` looks for its place anew. */
  async close(): Promise<void> {
    const reader = this.#reader;
    this.#reader = this.#place = this.#ahead = null;
    await reader?.close();
  }
}
