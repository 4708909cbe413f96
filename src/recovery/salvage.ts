/**
 * Reads from damaged segments, and from those that repairs have set aside, the records that are provably whole and that
 * the journal no longer leads to. For a person to look at: nothing is replayed or changed.
 *
 * @module
 */

import { closeFile } from "../disk/close_file.ts";
import type { NamedFile } from "../disk/names.ts";
import { readPatiently } from "../disk/refusals.ts";
import type { DurableFs } from "../durable_fs.ts";
import { TooNewError } from "../errors.ts";
import { type HistoryPoint, pointOf } from "../format/history_point.ts";
import { addRange, NO_RANGES, rangeOf, type SequenceSpan } from "../format/ranges.ts";
import type { Batch } from "../format/scan.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { flawOf } from "./flaw.ts";
import { isUnusable } from "./segment_facts.ts";
import { ANOTHER_JOURNAL } from "./snapshot_facts.ts";
import { findTailEvidence, type SoundLines, type SoundSeal } from "./tail_evidence.ts";

/** A record that is provably whole. */
export interface SalvagedRecord {
  sequence: number;
  timestamp: number;
  mutation: unknown;
  /** Whether the program refused it; `null` when no sound line says so. */
  refused: boolean | null;
  /** Its file. */
  path: string;
  /** Where its batch begins in the file. */
  offset: number;
}

/** What nothing proves. */
export interface Unproven {
  path: string;
  /** Where it begins. */
  offset: number;
  sequenceFirst: number;
  /** `null` when it is not known. */
  sequenceLast: number | null;
  /** Why nothing in the file could be proven; `null` when it is a gap between sound records. */
  reason: string | null;
}

/** What was found in one file. */
export interface SalvagedFile {
  path: string;
  records: number;
  /** Their sequences. */
  ranges: SequenceSpan[];
}

/** What was found. */
export interface SalvageReport {
  files: SalvagedFile[];
  unproven: Unproven[];
  /** Files that were not searched to the end, because they hold too much that is not ours. */
  skipped: string[];
}

/** A file to search. */
export interface SalvageTarget {
  file: NamedFile;
  /** The first sequence that the journal does not lead to. */
  sequenceFirst: number;
  /** The last sequence that it held, by the segment after it; `null` when that is not known. */
  sequenceLast: number | null;
}

const NEWER = "a newer version of this library wrote it";

/** Receives the records of one batch. */
export type TakeRecords = (records: SalvagedRecord[]) => Promise<void>;

/**
 * Searches files in order, and passes each record on.
 *
 * @param id the journal they must belong to; `null` accepts any
 */
export async function salvage(
  fs: DurableFs,
  targets: readonly SalvageTarget[],
  id: string | null,
  take: TakeRecords,
): Promise<SalvageReport> {
  const search = new Salvage(fs, id, take);
  for (const target of targets) await search.file(target);
  await search.end();
  return search.report;
}

/** A batch that waits for the line that says what became of it. */
interface Waiting {
  path: string;
  batch: Batch;
  refused: readonly SequenceSpan[] | null;
}

class Salvage {
  readonly report: SalvageReport = { files: [], unproven: [], skipped: [] };
  readonly #fs: DurableFs;
  readonly #id: string | null;
  readonly #take: TakeRecords;
  #waiting: Waiting | null = null;

  constructor(fs: DurableFs, id: string | null, take: TakeRecords) {
    this.#fs = fs;
    this.#id = id;
    this.#take = take;
  }

  async file(target: SalvageTarget): Promise<void> {
    const { file, sequenceLast } = target;
    const sequenceFirst = Math.max(target.sequenceFirst, file.sequence);
    let reader: SegmentReader;
    try {
      reader = await readPatiently(() => SegmentReader.open(this.#fs, file));
    } catch (error) {
      const isNewer = error instanceof TooNewError;
      if (!isNewer && !isUnusable(error)) throw error;
      const reason = isNewer ? NEWER : flawOf(error);
      const { path } = file;
      this.report.unproven.push({ path, offset: 0, sequenceFirst, sequenceLast, reason });
      return;
    }
    try {
      const { header } = reader;
      if (this.#id === null || header.id === this.#id) {
        await this.#continueIn(pointOf(header), header.undecided ? null : header.refused);
        await new FileSalvage(this, reader, { ...target, sequenceFirst }).run(this.#fs);
      } else {
        const { path } = file;
        const reason = ANOTHER_JOURNAL;
        this.report.unproven.push({ path, offset: 0, sequenceFirst, sequenceLast, reason });
      }
    } finally {
      await closeFile(reader, file.path);
    }
  }

  /** A segment that continues the waiting batch says what became of it. */
  async #continueIn(
    { sequence, checksum }: HistoryPoint,
    refused: readonly SequenceSpan[] | null = NO_RANGES,
  ): Promise<void> {
    const batch = this.#waiting?.batch;
    if (batch?.sequenceLast === sequence && batch.checksum === checksum) {
      this.decide(sequence, refused);
    } else await this.end();
  }

  /** Says what became of the batch that ends with `sequence`. */
  decide(sequence: number, refused: readonly SequenceSpan[] | null): void {
    const waiting = this.#waiting;
    if (waiting?.batch.sequenceLast === sequence && refused !== null) waiting.refused = refused;
  }

  async batch(path: string, batch: Batch): Promise<void> {
    this.decide(batch.sequenceFirst - 1, batch.refused);
    await this.end();
    this.#waiting = { path, batch, refused: null };
  }

  /** Passes the waiting batch on. */
  async end(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    const { path, batch: { sequenceFirst, mutations, timestamp, offset }, refused } = waiting;
    await this.#take(mutations.map((mutation, i) => {
      const sequence = sequenceFirst + i;
      const isRefused = refused === null ? null : rangeOf(refused, sequence) !== undefined;
      return { sequence, timestamp, mutation, refused: isRefused, path, offset };
    }));
  }
}

/** The search in one segment whose header is sound. */
class FileSalvage implements SoundLines {
  readonly #all: Salvage;
  readonly #reader: SegmentReader;
  readonly #target: SalvageTarget;
  readonly #found: SalvagedFile;
  /** The next sequence, and where it could begin. */
  #expected: number;
  #offset: number;

  constructor(all: Salvage, reader: SegmentReader, target: SalvageTarget) {
    this.#all = all;
    this.#reader = reader;
    this.#target = target;
    this.#expected = target.sequenceFirst;
    this.#offset = reader.headerEnd;
    this.#found = { path: reader.file.path, records: 0, ranges: [] };
  }

  async run({ crc32 }: DurableFs): Promise<void> {
    const reader = this.#reader;
    for (let batches; (batches = await this.#read()) !== null;) {
      for (const batch of batches) await this.batch(batch);
    }
    this.#all.decide(reader.expected - 1, reader.refused);
    // Where the initial state is damaged, the first batch may not be where it should be.
    this.#offset = reader.expected === reader.header.first ? reader.headerEnd : reader.soundEnd;
    const isSound = reader.damage === null && reader.unreadable === null;
    const evidence = isSound ? null : await findTailEvidence(reader, this.#offset, crc32, this);
    const { files, skipped, unproven } = this.#all.report;
    const { path } = this.#found;
    if (this.#found.records > 0) files.push(this.#found);
    if (evidence === null) return;
    if (evidence.skipped || evidence.exhausted) skipped.push(path);
    const { sequenceLast } = this.#target;
    const isShort = sequenceLast !== null && this.#expected <= sequenceLast;
    // Damaged lines may name sequences, but not where the last one was.
    if (isShort || evidence.writtenEnd > this.#offset) unproven.push(this.#gap(sequenceLast));
  }

  /** The next sound batches before any damage. */
  async #read(): Promise<Batch[] | null> {
    try {
      return await this.#reader.read();
    } catch (error) {
      if (error !== this.#reader.unreadable) throw error;
      return null;
    }
  }

  async batch(batch: Batch): Promise<void> {
    const { sequenceFirst, sequenceLast, offsetEnd } = batch;
    // The journal has it, or it was found before.
    if (sequenceFirst < this.#expected) return;
    this.#reach(sequenceFirst - 1, offsetEnd);
    this.#expected = sequenceLast + 1;
    this.#found.records += batch.mutations.length;
    addRange(this.#found.ranges, sequenceFirst, sequenceLast);
    await this.#all.batch(this.#found.path, batch);
  }

  seal({ sequence, refused, offsetEnd }: SoundSeal): void {
    this.#all.decide(sequence, refused);
    this.#reach(sequence, offsetEnd);
  }

  /** Notes that a sound line which ends at `offsetEnd` comes after `sequence`. */
  #reach(sequence: number, offsetEnd: number): void {
    if (sequence >= this.#expected) {
      this.#all.report.unproven.push(this.#gap(sequence));
      this.#expected = sequence + 1;
    }
    this.#offset = offsetEnd;
  }

  #gap(sequenceLast: number | null): Unproven {
    const [path, offset, sequenceFirst] = [this.#found.path, this.#offset, this.#expected];
    return { path, offset, sequenceFirst, sequenceLast, reason: null };
  }
}
