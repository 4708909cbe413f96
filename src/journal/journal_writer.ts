/**
 * The writing half of a journal: group commit into the current segment, rotation, seal, close.
 *
 * @module
 */

import type { DurableFs, MaybePromise } from "../durable_fs.ts";
import { BatchEncoder } from "../format/encode.ts";
import { PoisonedError, TooLargeError } from "../errors.ts";
import { closedError, isDiskFull } from "../failures.ts";
import { readClock, SEQUENCE_MAX } from "../format/format.ts";
import { type Committed, GroupCommit } from "./group_commit.ts";
import { checkGroupSize, encodeMutation } from "../format/mutation_encode.ts";
import type { ReadLimit } from "./journal_cursor.ts";
import { type JournalIdentity, segmentHeader } from "./journal_identity.ts";
import { LiveTail } from "./live_tail.ts";
import type { WriteCounter } from "../wear/stats.ts";
import { begunAt, inEdition } from "../disk/editions.ts";
import { segmentFile } from "../disk/names.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { hasNoSpaceFor } from "./tail_repair.ts";

/** The settings a writer needs. */
export interface WriterSettings {
  fs: DurableFs;
  segmentSizeMax: number;
  recordSizeMax: number;
  sealAfterIdleMs: number | null;
  clock: () => number;
  writeCounter: WriteCounter;
}

function noSequenceLeft(sequence: number): TooLargeError {
  return new TooLargeError(
    `The journal is at sequence ${sequence}, and the last one is ${SEQUENCE_MAX}: nothing was journaled; ` +
      "begin a new directory with the current state",
    { sequence, operation: "apply" },
  );
}

/** The identity once `segment` is there: it may have begun the edition. */
function identityIn({ file }: SegmentWriter, identity: JournalIdentity): JournalIdentity {
  return file.edition < identity.edition ? identity : begunAt(identity, file.sequence);
}

/** The one writer of a journal. */
export class JournalWriter {
  #identity: JournalIdentity;
  readonly #settings: WriterSettings;
  readonly #queue = new GroupCommit(
    (texts) => this.#commit(texts),
    (error) => this.#settled(error),
  );
  readonly #encoder: BatchEncoder;
  #segment: SegmentWriter;
  #sequence: number;
  /**
   * Changes together with the sequence, never before it: a reader who saw only one of them change would skip a record.
   */
  #end: number;
  #sealedAt = -1;
  /** How many writes the latest seal of this process counts. */
  #writesSealed: number | null = null;
  #closing: Promise<void> | null = null;
  #failure: unknown = null;
  /** The mutations that were committed and are now being settled. */
  #fresh: string[] = [];
  #freshTimestamp = 0;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #batchListeners: ((error: unknown) => void)[] = [];
  /** The newest batches, for followers. */
  readonly tail: LiveTail;

  /** @param sealed whether the segment ends with a seal, so that closing at once needs no other */
  constructor(
    identity: JournalIdentity,
    settings: WriterSettings,
    segment: SegmentWriter,
    sequence: number,
    sealed: boolean,
  ) {
    this.#identity = identityIn(segment, identity);
    this.#settings = settings;
    this.#encoder = new BatchEncoder(settings.fs.crc32);
    this.#segment = segment;
    this.#sequence = sequence;
    this.#end = segment.offset;
    if (sealed) this.#sealedAt = sequence;
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

  /** The segment that is being written. */
  get path(): string {
    return this.#segment.file.path;
  }

  /** The acknowledged end. */
  get limit(): ReadLimit {
    const { path, sequence: segmentFirst } = this.#segment.file;
    return { sequence: this.#sequence, segmentFirst, path, offset: this.#end };
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
   * Appends mutations, given as JSON, as one atomic group; `settle` is called once they are durable, in call order.
   *
   * @throws {ClosedError} when the journal is closed
   * @throws {TooLargeError} when the group is too large for a batch
   */
  submit<T>(texts: string[], settle: (sequenceFirst: number, timestamp: number) => T): Promise<T> {
    this.refuseClosed();
    return this.#queue.submit(texts, checkGroupSize(texts), settle);
  }

  /** Runs work with no batch in progress, after everything submitted before it. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    this.refuseClosed();
    return this.#queue.exclusive(task);
  }

  /** Throws when the journal is closed. */
  refuseClosed(): void {
    if (this.#closing !== null) {
      throw closedError(this.identity.directory);
    }
  }

  #commit(texts: string[]): MaybePromise<Committed> {
    if (this.#failure !== null) throw this.#failure;
    this.#stopIdleTimer();
    const horizon = this.#sequence;
    // Only a hostile file brings a journal here. A record numbered beyond this could not be read again.
    if (horizon + texts.length > SEQUENCE_MAX) throw noSequenceLeft(horizon);
    const batch = { sequenceFirst: horizon + 1, timestamp: readClock(this.#settings.clock) };
    const bytes = this.#encode(texts, batch);
    const { offset, header } = this.#segment;
    // One segment never holds records of two versions.
    const isFull = offset + bytes.length > this.#settings.segmentSizeMax ||
      header.version !== this.identity.version;
    const appending = isFull ? this.#appendToNext(texts, batch) : this.#segment.append(bytes);
    if (appending === undefined) return this.#committed(texts, batch);
    return appending.then(() => this.#committed(texts, batch));
  }

  #encode(texts: string[], { sequenceFirst, timestamp }: Committed): Uint8Array {
    return this.#encoder.encode(texts, sequenceFirst - 1, timestamp, this.#segment.seed);
  }

  async #appendToNext(texts: string[], batch: Committed): Promise<void> {
    await this.rotate();
    // Encoded again, because its checksum is seeded by the segment it is in.
    await this.#segment.append(this.#encode(texts, batch));
  }

  #committed(texts: string[], batch: Committed): Committed {
    const size = this.#segment.offset - this.#end;
    this.#sequence += texts.length;
    this.#end = this.#segment.offset;
    this.#settings.writeCounter.committed(texts.length, size);
    this.#fresh = texts;
    this.#freshTimestamp = batch.timestamp;
    if (this.#settings.sealAfterIdleMs !== null) this.#sealWhenIdle(this.#settings.sealAfterIdleMs);
    return batch;
  }

  #settled(error: unknown): void {
    if (error === null) {
      this.tail.publish(this.#fresh, this.#freshTimestamp, this.#segment.header.version);
      this.#fresh = [];
    }
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
    const { fs, clock, writeCounter } = this.#settings;
    const first = this.#sequence + 1;
    const before = this.#segment;
    const { directory, version, edition } = this.identity;
    // It holds nothing yet: a new segment would have the same name.
    const isNew = before.header.first === first && before.header.version === version;
    if (isNew && (before.file.edition === edition || !leavesEmpty)) return;
    await before.settle();
    const file = segmentFile(this.identity, first);
    try {
      const header = segmentHeader(this.identity, first, readClock(clock), writeCounter.notes);
      this.#segment = await SegmentWriter.create(fs, directory, file, header, before.fillsAhead);
    } catch (error) {
      // Any other failure came before the new name existed, so the current segment is still good.
      if (error instanceof PoisonedError) this.#failure = error;
      throw error;
    }
    this.#identity = identityIn(this.#segment, this.#identity);
    this.#end = this.#segment.offset;
    this.#sealedAt = -1;
    await this.#retire(before);
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

  /** Gives back a full segment's fill. A failure costs only that space: line feeds after the batches are harmless. */
  async #retire(segment: SegmentWriter): Promise<void> {
    try {
      try {
        await segment.trim();
      } finally {
        await segment.close();
      }
    } catch {
      return;
    }
  }

  /** Gives back the space filled ahead. The next batch fills it again. */
  async releaseFill(): Promise<void> {
    await this.#segment.trim();
  }

  #sealWhenIdle(delayMs: number): void {
    this.#idleTimer = setTimeout(() => {
      if (this.#closing !== null) return;
      this.#queue.exclusive(() => this.#seal()).catch((error) => {
        // A full disk only costs the proof of the last batch. Mutations continue once there is space.
        if (!isDiskFull(error)) this.#failure = error;
      });
    }, delayMs);
  }

  /** Deno sets up its timers when one is first used, so don't touch them without a timer. */
  #stopIdleTimer(): void {
    if (this.#idleTimer === undefined) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
  }

  async #seal(): Promise<void> {
    await this.#segment.writeSeal(this.#sequence, this.#settings.writeCounter.notes);
    await this.#segment.sync();
    this.#sealedAt = this.#sequence;
    this.#writesSealed = this.#settings.writeCounter.sinceOpen.writes;
    this.#end = this.#segment.offset;
  }

  /** Whether a seal ends the journal, and counts what was written since it was opened, except for opening it. */
  get #isSealed(): boolean {
    const { writes } = this.#settings.writeCounter.sinceOpen;
    return this.#sealedAt === this.#sequence && (this.#writesSealed ?? writes) === writes;
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
    this.#stopIdleTimer();
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
      const { notes } = this.#settings.writeCounter;
      if (!isSealed) await hasNoSpaceFor(() => segment.writeSeal(this.#sequence, notes));
      await hasNoSpaceFor(() => segment.trim());
    } finally {
      // One sync for both: whatever a power cut leaves of a seal and line feeds is a torn tail.
      if (!isSealed) await segment.sync();
    }
  }
}
