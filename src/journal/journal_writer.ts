/**
 * The writing half of a journal: group commit into the current segment, rotation, seal, close.
 *
 * @module
 */

import type { MaybePromise } from "../durable_fs.ts";
import { BatchEncoder, type SealContent } from "../format/encode.ts";
import { PoisonedError } from "../errors.ts";
import { closedError, isDiskFull } from "../failures.ts";
import { readClock } from "../format/format.ts";
import { type BatchContent, type BatchPlace, type Call, GroupCommit } from "./group_commit.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import { checkGroupSize, checkSequences, encodeMutation } from "../format/mutation_encode.ts";
import type { ReadLimit } from "./journal_cursor.ts";
import { identityIn, type JournalIdentity } from "./journal_identity.ts";
import { LiveTail } from "./live_tail.ts";
import { inEdition } from "../disk/editions.ts";
import { segmentFile } from "../disk/names.ts";
import { Countdown } from "./countdown.ts";
import { retire } from "./retire.ts";
import { segmentBeginning } from "./segment_beginning.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { StallWatch } from "./stall_watch.ts";
import type { JournalEnd, LastSeal, WriterSettings } from "./writer_settings.ts";
import { hasNoSpaceFor } from "./tail_repair.ts";

/** The one writer of a journal. */
export class JournalWriter {
  #identity: JournalIdentity;
  readonly #settings: WriterSettings;
  readonly #queue: GroupCommit;
  readonly #stalls: StallWatch;
  readonly #encoder: BatchEncoder;
  #segment: SegmentWriter;
  #sequence: number;
  /**
   * Changes together with the sequence, never before it: a reader who saw only one of them change would skip a record.
   */
  #end: number;
  /** The seal that ends the segment, if one does. */
  #seal: LastSeal | null = null;
  #closing: Promise<void> | null = null;
  #failure: unknown = null;
  /** The mutations of the last batch that were refused; `null` when that isn't known. */
  #refused: readonly SequenceSpan[] | null;
  /** Whether a line says so, so that a power cut can't take it. The next batch says it again. */
  #isListed: boolean;
  readonly #idleTimer: Countdown;
  readonly #batchListeners: ((error: unknown) => void)[] = [];
  /** The newest batches, for followers. */
  readonly tail: LiveTail;

  /** @param end how the journal ends */
  constructor(
    identity: JournalIdentity,
    settings: WriterSettings,
    segment: SegmentWriter,
    { sequence, sealed, refused, isListed }: JournalEnd,
  ) {
    this.#identity = identityIn(segment.file, identity);
    this.#settings = settings;
    this.#queue = new GroupCommit({
      begin: () => this.#begin(),
      commit: (content, place) => this.#stalls.watch(this.path, () => this.#commit(content, place)),
      settled: (content, place, refused) => this.#settled(content, place, refused),
      failed: (error) => this.#tellListeners(error),
    }, settings.waitingMax);
    this.#stalls = new StallWatch(settings.onStall, settings.stallAfterMs);
    this.#idleTimer = new Countdown(settings.sealAfterIdleMs, () => this.#sealIdle());
    this.#encoder = new BatchEncoder(settings.fs.crc32);
    this.#segment = segment;
    this.#sequence = sequence;
    this.#refused = refused;
    this.#isListed = isListed;
    this.#end = segment.offset;
    // Otherwise another seal says what became of the last batch.
    const { compactionFailure: failure } = settings.writeCounter;
    if (sealed && !this.#isUnlisted) this.#seal = { sequence, writes: null, failure };
    this.tail = new LiveTail(sequence + 1, () => ({
      file: this.#segment.file,
      offset: this.#end,
      sequence: this.#sequence + 1,
    }));
  }

  /** What the segments have in common. The edition is that of the next one. */
  get identity(): JournalIdentity {
    return this.#identity;
  }

  /** The highest durable sequence. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The checksum of the batch that ends with that sequence; `null` when it is not known. */
  get checksum(): number | null {
    return this.#segment.checksum;
  }

  /** The segment that is being written. */
  get path(): string {
    return this.#segment.file.path;
  }

  /** The acknowledged end. */
  get limit(): ReadLimit {
    const { path, sequence: segmentFirst } = this.#segment.file;
    const refused = this.#refused;
    return { sequence: this.#sequence, segmentFirst, path, offset: this.#end, refused };
  }

  /** Calls `listener` after each batch settles, with the batch's error or `null`. */
  onBatchEnd(listener: (error: unknown) => void): void {
    this.#batchListeners.push(listener);
  }

  /** Checks a mutation and returns its JSON; see {@linkcode encodeMutation}. */
  encode(mutation: unknown): string {
    return encodeMutation(mutation, this.#settings.recordSizeMax);
  }

  /**
   * Appends the mutations of a call as one atomic group; it is settled once they are durable, in call order.
   *
   * @throws {ClosedError} when the journal is closed
   * @throws {TooLargeError} when the group is too large for a batch
   * @throws {BusyError} when too many calls wait
   */
  submit<T>(call: Call<T>): Promise<T> {
    this.refuseClosed();
    return this.#queue.submit(call, checkGroupSize(call.texts));
  }

  /** Runs work with no batch in progress, after everything submitted before it. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    this.refuseClosed();
    return this.#queue.exclusive(task);
  }

  /** The queue itself, for what comes before those who wait. */
  get queue(): GroupCommit {
    return this.#queue;
  }

  /** Throws when the journal is closed. */
  refuseClosed(): void {
    if (this.#closing !== null) throw closedError(this.identity.directory);
  }

  #begin(): BatchPlace {
    if (this.poison !== null) throw this.poison;
    return { sequenceFirst: this.#sequence + 1, timestamp: readClock(this.#settings.clock) };
  }

  #commit(content: BatchContent, place: BatchPlace): MaybePromise<void> {
    this.#idleTimer.stop();
    checkSequences(this.#sequence, content.texts.length);
    const bytes = this.#encode(content, place);
    const { offset, header } = this.#segment;
    // One segment never holds records of two versions.
    const isFull = offset + bytes.length > this.#settings.segmentSizeMax ||
      header.version !== this.identity.version;
    const appending = isFull ? this.#appendToNext(content, place) : this.#segment.append(bytes);
    if (appending === undefined) return this.#committed(content);
    return appending.then(() => this.#committed(content));
  }

  #encode({ texts, groups }: BatchContent, { sequenceFirst, timestamp }: BatchPlace): Uint8Array {
    const notes = { groups, refused: this.#listed };
    return this.#encoder.encode(texts, sequenceFirst - 1, timestamp, this.#segment.seed, notes);
  }

  /** The refused mutations that the next line lists; `undefined` when there are none. */
  get #listed(): readonly SequenceSpan[] | undefined {
    return this.#refused === null || this.#refused.length === 0 ? undefined : this.#refused;
  }

  /** Whether mutations were refused, and no line says so yet. */
  get #isUnlisted(): boolean {
    return !this.#isListed && this.#listed !== undefined;
  }

  async #appendToNext(content: BatchContent, place: BatchPlace): Promise<void> {
    await this.rotate();
    // Encoded again, because its checksum is seeded by the segment it is in.
    await this.#segment.append(this.#encode(content, place));
  }

  #committed({ texts }: BatchContent): void {
    const size = this.#segment.offset - this.#end;
    this.#sequence += texts.length;
    this.#end = this.#segment.offset;
    this.#segment.checksum = this.#encoder.checksum;
    this.#settings.writeCounter.committed(texts.length, size);
    this.#refused = [];
    this.#idleTimer.start();
  }

  #settled({ texts }: BatchContent, { timestamp }: BatchPlace, refused: SequenceSpan[]): void {
    this.#refused = refused;
    this.#isListed = false;
    this.tail.publish({ texts, timestamp, version: this.#segment.header.version, refused });
    this.#tellListeners(null);
  }

  #tellListeners(error: unknown): void {
    for (const listener of this.#batchListeners) listener(error);
  }

  /**
   * Continues in a new segment. Call it with no batch in progress.
   *
   * @throws {DiskFullError} when there is no space for one; the current segment stays in use
   */
  rotate(): Promise<void> {
    return this.#rotate(false);
  }

  /** @param leavesEmpty whether a segment of an earlier edition is left even if it holds nothing yet */
  async #rotate(leavesEmpty: boolean): Promise<void> {
    // What the poisoned segment holds after its last acknowledged byte could overlap a new segment.
    if (this.poison !== null) throw this.poison;
    const { fs, clock } = this.#settings;
    const first = this.#sequence + 1;
    const before = this.#segment;
    const { directory, version, edition } = this.identity;
    // It holds nothing yet: a new segment would have the same name.
    const isNew = before.header.first === first && before.header.version === version;
    if (isNew && (before.file.edition === edition || !leavesEmpty)) return;
    await before.settle();
    const file = segmentFile(this.identity, first);
    const past = { checksum: before.checksum, refused: this.#refused };
    try {
      const now = readClock(clock);
      const beginning = segmentBeginning(this.identity, first, past, now, this.#settings);
      this.#segment = await SegmentWriter.create(fs, directory, file, beginning, before.fillsAhead);
    } catch (error) {
      // Any other failure came before the new name existed, so the current segment is still good.
      if (error instanceof PoisonedError) this.#failure = error;
      throw error;
    }
    this.#identity = identityIn(this.#segment.file, this.#identity);
    this.#end = this.#segment.offset;
    this.#seal = null;
    this.#isListed = true;
    await retire(before);
    // On FAT, its name leads to an empty file until this sync. No snapshot may be durable before what it lists.
    if (this.#listed !== undefined) await this.#segment.sync();
  }

  /**
   * Continues in a segment of another edition, which replaces all files of earlier editions from here on. Call it
   * before the first batch. If it fails, don't use the writer.
   */
  async beginEdition(edition: number): Promise<void> {
    this.#identity = inEdition(this.#identity, edition);
    await this.#rotate(true);
    // Its name replaces others from now on. On FAT it leads to an empty file until this sync.
    await this.#segment.sync();
  }

  /** Later segments are of this edition or of a later one: a snapshot has begun it, which replaces no segment. */
  enterEdition(edition: number): void {
    if (edition > this.#identity.edition) this.#identity = inEdition(this.#identity, edition);
  }

  /** Gives back the space filled ahead. The next batch fills it again. */
  async releaseFill(): Promise<void> {
    await this.#segment.trim();
  }

  #sealIdle(): void {
    if (this.#closing !== null) return;
    this.#queue.exclusive(() => this.#writeSeal()).catch((error) => {
      // A full disk only costs the proof of the last batch. Mutations continue once there is space.
      if (!isDiskFull(error)) this.#failure = error;
    });
  }

  async #writeSeal(): Promise<void> {
    await this.#segment.writeSeal(this.#sealContent);
    await this.#segment.sync();
    this.#isListed = true;
    const { sinceOpen: { writes }, compactionFailure: failure } = this.#settings.writeCounter;
    this.#seal = { sequence: this.#sequence, writes, failure };
    this.#end = this.#segment.offset;
  }

  get #sealContent(): SealContent {
    const { notes } = this.#settings.writeCounter;
    const undecided = this.#refused === null ? true : undefined;
    return { sequence: this.#sequence, refused: this.#listed, undecided, ...notes };
  }

  /**
   * Makes durable which mutations were refused, if no line says so yet. Call it with no batch in progress.
   *
   * @throws {DiskFullError} when there is no space for it
   */
  async recordRefusals(): Promise<void> {
    if (this.#isUnlisted) await this.#writeSeal();
  }

  /**
   * Whether a seal ends the journal, counts what was written since it was opened, except for opening it, and says how
   * the last compaction ended.
   */
  get #isSealed(): boolean {
    const { sinceOpen: { writes }, compactionFailure } = this.#settings.writeCounter;
    const seal = this.#seal;
    return seal !== null && seal.sequence === this.#sequence &&
      (seal.writes ?? writes) === writes && seal.failure === compactionFailure;
  }

  /** Why nothing more is written, or `null`. */
  get poison(): unknown {
    return this.#failure ?? this.#segment.poison;
  }

  /** Waits for everything submitted, writes a seal, trims, syncs and closes. Another call waits for the first one. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#idleTimer.stop();
    await this.#queue.idle();
    this.tail.end();
    // Reads in progress when it ended are finished, and no further ones begin.
    await this.tail.reads.idle();
    try {
      if (this.poison === null) await this.#finish();
    } finally {
      await this.#segment.close();
    }
  }

  /** Seals the segment and cuts off the fill. Once the seal is durable, nothing depends on the cut being durable. */
  async #finish(): Promise<void> {
    const segment = this.#segment, isSealed = this.#isSealed;
    // Everything acknowledged is durable. A full disk only costs the proof of the last batch, and the line feeds stay.
    try {
      if (!isSealed) await hasNoSpaceFor(() => segment.writeSeal(this.#sealContent));
      await hasNoSpaceFor(() => segment.trim());
    } finally {
      // One sync for both: whatever a power cut leaves of a seal and line feeds is a torn tail.
      if (!isSealed) await segment.sync();
    }
  }
}
