/**
 * The newest batches of a journal that is being written, kept in memory while anyone follows it.
 *
 * Followers hold a place in a chain of batches. A batch is dropped once all followers are past it, or earlier if the
 * batches after the slowest follower become too large: that follower then reads from the disk. When there are no
 * followers, nothing is kept.
 *
 * @module
 */

import type { SegmentPlace } from "./segment_reader.ts";
import { READS_MAX, Turns } from "./turns.ts";
import type { SequenceSpan } from "../format/ranges.ts";

/** The most that is kept for followers, in bytes, except that the newest batch is always kept. */
const KEPT_SIZE_MAX = 1024 * 1024;

/** The approximate cost of a record besides its text, in bytes. */
const RECORD_COST = 32;

/** A batch whose calls are settled. */
export interface SettledBatch {
  timestamp: number;
  /** The version of the mutator that wrote it. */
  version: number;
  /** Its mutations as JSON. Each follower parses them itself, so that none can change what another receives. */
  texts: readonly string[];
  /** Those of its mutations that were refused. */
  refused: readonly SequenceSpan[];
}

/** A place in the chain: one batch, or the one to come next. */
export class TailNode {
  /** The first sequence of its batch. */
  readonly sequenceFirst: number;
  /** Where its batch begins in the files; `null` when that isn't known. */
  readonly place: SegmentPlace | null;
  /** `null` until the batch is there, and again once it is dropped. */
  batch: SettledBatch | null = null;
  next: TailNode | null = null;
  /** How many followers are here. */
  followers = 0;
  size = 0;
  /** Whether the batch was dropped while followers were here. */
  isGone = false;

  /** Makes the place for a batch that is not there yet. */
  constructor(sequenceFirst: number, place: SegmentPlace | null) {
    this.sequenceFirst = sequenceFirst;
    this.place = place;
  }
}

/** The newest batches of one journal. */
export class LiveTail {
  readonly #end: () => SegmentPlace;
  /** The first sequence of the next batch. */
  #next: number;
  #followers = 0;
  #size = 0;
  #oldest: TailNode | null = null;
  #newest: TailNode | null = null;
  #waiting = new Set<() => void>();
  #ended = false;
  /** Limits the number of simultaneous reads from the disk. */
  readonly reads: Turns = new Turns(READS_MAX);

  /** @param end the acknowledged end of the files, and the next sequence there */
  constructor(next: number, end: () => SegmentPlace) {
    this.#next = next;
    this.#end = end;
  }

  /** Whether nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The size of what is kept now, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Adds a batch whose calls are settled: no follower receives a mutation before it is in the state. */
  publish(batch: SettledBatch): void {
    this.#next += batch.texts.length;
    const node = this.#newest;
    if (node === null) return;
    node.batch = batch;
    node.size = batch.texts.reduce((size, text) => size + text.length + RECORD_COST, 0);
    node.next = this.#newest = new TailNode(this.#next, this.#end());
    this.#size += node.size;
    this.#letGo();
    this.#wake();
  }

  /** Ends the tail: nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Where the batch that begins with `sequence` will stand in the files, if it is the next one; otherwise `null`. */
  placeOf(sequence: number): SegmentPlace | null {
    if (sequence !== this.#next) return null;
    const end = this.#end();
    // Between a sync and the settling of its calls, the files are ahead.
    return end.sequence === sequence ? end : null;
  }

  /** Starts to follow, beginning with the next batch. */
  join(): TailNode {
    if (this.#newest === null) {
      this.#oldest = this.#newest = new TailNode(this.#next, this.placeOf(this.#next));
    }
    this.#newest.followers++;
    this.#followers++;
    return this.#newest;
  }

  /** Moves on to the next batch; `node` must have one and must not be gone. */
  advance(node: TailNode): TailNode {
    const next = node.next!;
    node.followers--;
    next.followers++;
    this.#letGo();
    return next;
  }

  /** Stops following. */
  leave(node: TailNode): void {
    if (node.isGone) return;
    node.followers--;
    this.#followers--;
    this.#letGo();
  }

  /** Calls `wake` once when there is another batch, or when nothing more will come. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
  }

  /** Cancels `wait`. */
  cancel(wake: () => void): void {
    this.#waiting.delete(wake);
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  #letGo(): void {
    for (let node = this.#oldest; node !== null && node !== this.#newest; node = this.#oldest) {
      const isNewest = node.next === this.#newest;
      if (node.followers > 0 && (this.#size <= KEPT_SIZE_MAX || isNewest)) break;
      node.isGone = true;
      node.batch = null;
      this.#followers -= node.followers;
      this.#size -= node.size;
      this.#oldest = node.next;
    }
    if (this.#followers > 0) return;
    this.#oldest = this.#newest = null;
    this.#size = 0;
  }
}
