/**
 * Combines mutations that wait at the same time into one batch, in call order, and runs other work between batches.
 *
 * @module
 */

import type { MaybePromise } from "../durable_fs.ts";
import { BATCH_SIZE_MAX } from "../format/format.ts";
import { addRange, type SequenceSpan } from "../format/ranges.ts";
import type { WaitingMax } from "../options.ts";
import { WaitingCalls } from "./waiting_calls.ts";

/** Where a batch will stand in the journal. */
export interface BatchPlace {
  sequenceFirst: number;
  timestamp: number;
}

/** What a batch holds. */
export interface BatchContent {
  texts: string[];
  /** The calls with two mutations or more; missing when there are none. */
  groups: SequenceSpan[] | undefined;
}

/** What writes the batches. */
export interface BatchWriter {
  /** Says where the next batch will stand. Throws when nothing can be written from now on. */
  begin(): BatchPlace;
  /** Makes a batch durable; synchronously on a fast disk. */
  commit(content: BatchContent, place: BatchPlace): MaybePromise<void>;
  /** Called after the calls of a batch are settled, with the mutations in it that were refused. */
  settled(content: BatchContent, place: BatchPlace, refused: SequenceSpan[]): void;
  /** Called after the calls of a batch failed. */
  failed(error: unknown): void;
}

/**
 * What the next batch must wait for, which must not reject; `null` when nothing.
 *
 * @param sizeNext the size of the mutations in that batch, in bytes
 */
export type Pause = (sizeNext: () => number) => Promise<void> | null;

/** What one call appends. Its mutations stay together in one batch. */
export interface Call<T> {
  /** The mutations, as JSON. */
  texts: string[];
  /**
   * Judges the call before anything is written, where that is possible. What it throws refuses the call, which then
   * leaves no trace in the journal.
   *
   * @param isHead whether the call is the first of its batch, so that it will see the state as it is now
   */
  judge?: ((sequenceFirst: number, timestamp: number, isHead: boolean) => void) | undefined;
  /**
   * Called once the mutations are durable, in order. What it returns or throws is the outcome of the call; if it
   * throws, all of them were refused.
   */
  settle(sequenceFirst: number, timestamp: number): T;
}

/** A call in the queue. */
interface Waiting {
  call: Call<unknown>;
  size: number;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  /** Why it is refused, when it was refused before anything was written. */
  refusal: Refusal | null;
}

/** What a refused call is settled with. */
interface Refusal {
  error: unknown;
}

/** Work that must not overlap with a batch. */
interface Task {
  run: () => Promise<void>;
}

/** A batch takes no further call once it is this large, so that one sync never delays others for long. */
const BATCH_SIZE_TARGET = BATCH_SIZE_MAX / 16;

/** The queue in front of the journal. One batch or task at a time, everything in call order. */
export class GroupCommit {
  readonly #writer: BatchWriter;
  /** What is queued or being written. */
  readonly waiting: WaitingCalls;
  #queue: (Waiting | Task)[] = [];
  #running: Promise<void> | null = null;
  #pause: Pause = () => null;
  /** Ends the pause before a batch, if there is one. */
  #wake: () => void = () => {};

  constructor(writer: BatchWriter, waitingMax: WaitingMax) {
    this.#writer = writer;
    this.waiting = new WaitingCalls(waitingMax);
  }

  /**
   * Queues a call; resolves with what its `settle` returns once it is durable.
   *
   * @param size the size of its mutations, in bytes
   * @throws {BusyError} when too many wait
   */
  submit<T>(call: Call<T>, size: number): Promise<T> {
    this.waiting.add(size);
    return new Promise((resolve, reject) => {
      const waiting = { call, size, resolve: resolve as Waiting["resolve"], reject, refusal: null };
      this.#queue.push(waiting);
      this.#start();
    });
  }

  /** Runs `task` in its turn: after everything queued before it, and with no batch in progress. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push(taskOf(task, resolve, reject));
      this.#start();
    });
  }

  /** Lets `pause` say before each batch what it must wait for. */
  pauseFor(pause: Pause): void {
    this.#pause = pause;
  }

  /** Runs `task` after the batch in progress, before everything queued, and during a pause. */
  next<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.unshift(taskOf(task, resolve, reject));
      this.#wake();
      this.#start();
    });
  }

  /** Resolves when nothing is queued or in progress. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      // Lets callers that were just resumed submit their next mutation, so that those share the next batch.
      let countBefore: number;
      do {
        countBefore = this.#queue.length;
        await undefined;
      } while (this.#queue.length > countBefore);
      const head = this.#queue[0];
      if (head === undefined) break;
      if ("run" in head) {
        this.#queue.shift();
        await head.run();
      } else {
        const pause = this.#pause(() => this.#nextBatch().size);
        if (pause !== null) {
          await this.#rest(pause);
          continue;
        }
        const committing = this.#commitBatch(this.#takeBatch());
        if (committing !== undefined) await committing;
      }
    }
    // In the same turn as the check above: any later submit starts a new run.
    this.#running = null;
  }

  /** Waits for the end of a pause, or for a task that comes next. */
  #rest(pause: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      void pause.then(resolve);
    });
  }

  /** How many of the calls that wait go into the next batch, and how large they are together. */
  #nextBatch(): { count: number; size: number } {
    let count = 0;
    let size = 0;
    while (count < this.#queue.length) {
      const next = this.#queue[count]!;
      if ("run" in next || (count > 0 && size + next.size > BATCH_SIZE_TARGET)) break;
      size += next.size;
      count++;
    }
    return { count, size };
  }

  #takeBatch(): Waiting[] {
    const { count } = this.#nextBatch();
    if (count === this.#queue.length) {
      const all = this.#queue as Waiting[];
      this.#queue = [];
      return all;
    }
    return this.#queue.splice(0, count) as Waiting[];
  }

  #commitBatch(batch: Waiting[]): MaybePromise<void> {
    let place: BatchPlace, content: BatchContent, committed: MaybePromise<void>;
    try {
      place = this.#writer.begin();
      content = judged(batch, place);
      // What was refused before it was written is in no batch. Its calls are still settled in their turn.
      committed = content.texts.length === 0 ? undefined : this.#writer.commit(content, place);
    } catch (error) {
      return this.#reject(batch, error);
    }
    // Don't await what has already happened: every `await` costs a turn of the microtask queue.
    const settle = () => {
      const refused = this.#settle(batch, place);
      if (content.texts.length > 0) this.#writer.settled(content, place, refused);
    };
    if (committed === undefined) return settle();
    return committed.then(settle, (error) => this.#reject(batch, error));
  }

  /** Settles the calls of a batch; returns the mutations in it that were refused. */
  #settle(batch: Waiting[], place: BatchPlace): SequenceSpan[] {
    const refused: SequenceSpan[] = [];
    let sequence = place.sequenceFirst;
    for (const waiting of batch) {
      const { call, size, resolve, reject, refusal } = waiting;
      this.waiting.remove(size);
      if (refusal !== null) {
        reject(refusal.error);
        continue;
      }
      try {
        resolve(call.settle(sequence, place.timestamp));
      } catch (error) {
        addRange(refused, sequence, sequence + call.texts.length - 1);
        reject(error);
      }
      sequence += call.texts.length;
    }
    return refused;
  }

  #reject(batch: Waiting[], error: unknown): void {
    for (const { size, reject } of batch) {
      this.waiting.remove(size);
      reject(error);
    }
    this.#writer.failed(error);
  }
}

function taskOf<T>(
  task: () => Promise<T>,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Task {
  // Async, so that a task that throws synchronously also rejects and never stops the queue.
  const run = async () => await task();
  return { run: () => run().then(resolve, reject) };
}

/** Lets each call be judged in its turn; returns what the others append. */
function judged(batch: Waiting[], { sequenceFirst, timestamp }: BatchPlace): BatchContent {
  let groups: SequenceSpan[] | undefined;
  let texts: string[] | undefined;
  let sequence = sequenceFirst;
  for (const waiting of batch) {
    const { call } = waiting;
    const last = sequence + call.texts.length - 1;
    try {
      call.judge?.(sequence, timestamp, sequence === sequenceFirst);
    } catch (error) {
      waiting.refusal = { error };
      continue;
    }
    if (last > sequence) (groups ??= []).push([sequence, last]);
    // A lone call's array is used as it is.
    if (texts === undefined) texts = batch.length === 1 ? call.texts : [...call.texts];
    else for (const text of call.texts) texts.push(text);
    sequence = last + 1;
  }
  return { texts: texts ?? [], groups };
}
