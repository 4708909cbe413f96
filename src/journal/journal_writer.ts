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
import type { Ledger } from "../wear/ledger.ts";
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
  ledger: Ledger;
}

function noSequenceLeft(sequence: number): TooLargeError {
  return new TooLargeError(
    `The journal is at sequence ${sequence}, and the last one is ${SEQUENCE_MAX}: nothing was journaled; ` +
      "begin a new directory with the state as it is",
    { sequence, operation: "apply" },
  );
}

/** The one writer of a journal. */
export class JournalWriter {
  identity: JournalIdentity;
  readonly #settings: WriterSettings;
  readonly #queue = new GroupCommit(
    (texts) => this.#commit(texts),
    (error) => this.#settled(error),
  );
  readonly #encoder: BatchEncoder;
  #segment: SegmentWriter;
  #sequence: number;
  /** Changes with the sequence, not before: a reader who saw only one of them change would pass over a record. */
  #end: number;
  #sealedAt = -1;
  #closing: Promise<void> | null = null;
  #failure: unknown = null;
  /** What was committed and is being settled. */
  #fresh: string[] = [];
  #freshTimestamp = 0;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** Bytes appended since this was last set to 0, for whoever decides on compaction. */
  sizeSinceSnapshot = 0;
  /** Told of each batch once its calls are settled, and of its error. */
  onBatchEnd: ((error: unknown) => void) | null = null;
  /** What followers get. */
  readonly tail: LiveTail;

  /** @param sealed whether the segment ends with a seal, so that closing at once needs no other */
  constructor(
    identity: JournalIdentity,
    settings: WriterSettings,
    segment: SegmentWriter,
    sequence: number,
    sealed: boolean,
  ) {
    this.identity = identity;
    this.#settings = settings;
    this.#encoder = new BatchEncoder(settings.fs.crc32);
    this.#segment = segment;
    this.#sequence = sequence;
    this.#end = segment.offset;
    if (sealed) this.#sealedAt = sequence;
    this.tail = new LiveTail(sequence + 1, () => ({
      named: this.#segment.named,
      offset: this.#end,
      sequence: this.#sequence + 1,
    }));
  }

  /** The highest durable sequence. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The segment that is being written. */
  get path(): string {
    return this.#segment.named.path;
  }

  /** The acknowledged end. */
  get limit(): ReadLimit {
    const { path, sequence: segmentFirst } = this.#segment.named;
    return { sequence: this.#sequence, segmentFirst, path, offset: this.#end };
  }

  /** Checks a mutation and gives its JSON; see {@linkcode encodeMutation}. */
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

  /** Runs work with no batch under way, after everything submitted before. */
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
    // Only a hostile file brings a journal there. What is numbered beyond could not be read again.
    if (horizon + texts.length > SEQUENCE_MAX) throw noSequenceLeft(horizon);
    const batch = { sequenceFirst: horizon + 1, timestamp: readClock(this.#settings.clock) };
    const bytes = this.#encode(texts, batch);
    const { offset, header } = this.#segment;
    // Records of two versions are never in one segment.
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
    // Its checksum begins with that of the segment it is in.
    await this.#segment.append(this.#encode(texts, batch));
  }

  #committed(texts: string[], batch: Committed): Committed {
    const size = this.#segment.offset - this.#end;
    this.#sequence += texts.length;
    this.#end = this.#segment.offset;
    this.sizeSinceSnapshot += size;
    this.#settings.ledger.committed(texts.length, size);
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
    this.onBatchEnd?.(error);
  }

  /**
   * Goes on in a new segment. Call it with no batch under way.
   *
   * @throws {DiskFullError} when there is no space for one; the current segment goes on being used
   */
  async rotate(): Promise<void> {
    // What the poisoned segment holds behind its last acknowledged byte could overlap a new one.
    if (this.poison !== null) throw this.poison;
    const { fs, clock, ledger } = this.#settings;
    const first = this.#sequence + 1;
    const before = this.#segment;
    const { directory, version, edition } = this.identity;
    // Nothing in it yet: a new one would have the same name.
    const isNew = before.header.first === first && before.header.version === version;
    if (isNew && before.named.edition === edition) return;
    await before.settle();
    const named = segmentFile(this.identity, first);
    try {
      const header = segmentHeader(this.identity, first, readClock(clock), ledger.life);
      this.#segment = await SegmentWriter.create(fs, directory, named, header, before.fillsAhead);
    } catch (error) {
      // Any other failure came before the new name: the current segment is as good as before.
      if (error instanceof PoisonedError) this.#failure = error;
      throw error;
    }
    this.#end = this.#segment.offset;
    this.#sealedAt = -1;
    await this.#retire(before);
  }

  /**
   * Goes on in a segment of another edition, which takes over from the files of earlier ones from here on. Call it
   * before the first batch; when it fails, the writer is not used.
   */
  async beginEdition(edition: number): Promise<void> {
    this.identity = { ...this.identity, edition };
    await this.rotate();
  }

  /** Gives a full segment's fill back. A failure costs that space alone: line feeds after the batches are harmless. */
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

  /** Gives back the space filled ahead; the next batch fills it again. */
  async releaseFill(): Promise<void> {
    await this.#segment.trim();
  }

  #sealWhenIdle(delayMs: number): void {
    this.#idleTimer = setTimeout(() => {
      if (this.#closing !== null) return;
      this.#queue.exclusive(() => this.#seal()).catch((error) => {
        // A full disk only costs the proof of the last batch; mutations go on once there is space.
        if (!isDiskFull(error)) this.#failure = error;
      });
    }, delayMs);
  }

  /** Deno makes its timers when one is first asked for, so without one none is. */
  #stopIdleTimer(): void {
    if (this.#idleTimer === undefined) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
  }

  async #seal(): Promise<void> {
    if (this.#sealedAt === this.#sequence) return;
    await this.#segment.writeSeal(this.#sequence, this.#settings.ledger.life);
    await this.#segment.sync();
    this.#sealedAt = this.#sequence;
    this.#end = this.#segment.offset;
  }

  /** Why nothing more is written, or `null`. */
  get poison(): unknown {
    return this.#failure ?? this.#segment.poison;
  }

  /** Waits for everything submitted, writes a seal, trims, syncs and closes. Calling it again waits for the same. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopIdleTimer();
    await this.#queue.idle();
    this.tail.end();
    // Who was reading when it ended gets that, and reads no more.
    await this.tail.reads.idle();
    try {
      if (this.poison === null) await this.#finish();
    } finally {
      await this.#segment.close();
    }
  }

  /** Seals and cuts the fill off. Once it is sealed, nothing depends on the cut being durable. */
  async #finish(): Promise<void> {
    const segment = this.#segment, isSealed = this.#sealedAt === this.#sequence;
    // Everything acknowledged is durable; a full disk only costs the proof of the last batch, and the line feeds stay.
    try {
      const { life } = this.#settings.ledger;
      if (!isSealed) await hasNoSpaceFor(() => segment.writeSeal(this.#sequence, life));
      await hasNoSpaceFor(() => segment.trim());
    } finally {
      // One for both: whatever a power cut leaves of a seal and line feeds is a torn tail.
      if (!isSealed) await segment.sync();
    }
  }
}
