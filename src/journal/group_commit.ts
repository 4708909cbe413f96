/**
 * Combines mutations that wait at the same time into one batch, in call order, and runs other work between batches.
 *
 * @module
 */

import type { MaybePromise } from "../durable_fs.ts";
import { BATCH_SIZE_MAX } from "../format/format.ts";

/** The result of a batch. */
export interface Committed {
  sequenceFirst: number;
  timestamp: number;
}

/** Makes a batch of mutations durable; synchronously on a fast disk. */
export type Commit = (texts: string[]) => MaybePromise<Committed>;

/** The mutations of one call. They stay together in one batch. */
interface Waiting {
  texts: string[];
  size: number;
  /** Called once they are durable, in order. What it returns or throws is the outcome of the call. */
  settle: (sequenceFirst: number, timestamp: number) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Work that must not overlap with a batch. */
interface Task {
  run: () => Promise<void>;
}

/** A batch takes no further call once it is this large, so that one sync never delays others for long. */
const BATCH_SIZE_TARGET = BATCH_SIZE_MAX / 16;

/** The queue in front of the journal. One batch or task at a time, everything in call order. */
export class GroupCommit {
  readonly #commit: Commit;
  readonly #ended: (error: unknown) => void;
  #queue: (Waiting | Task)[] = [];
  #running: Promise<void> | null = null;

  /** @param ended called after each batch settles, with its error or `null` */
  constructor(commit: Commit, ended: (error: unknown) => void) {
    this.#commit = commit;
    this.#ended = ended;
  }

  /** Queues mutations; resolves with what `settle` returns once they are durable. */
  submit<T>(
    texts: string[],
    size: number,
    settle: (sequenceFirst: number, timestamp: number) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push({
        texts,
        size,
        settle,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      this.#start();
    });
  }

  /** Runs `task` in its turn: after everything queued before it, and with no batch in progress. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // Async, so that a task that throws synchronously also rejects and never stops the queue.
      const run = async () => await task();
      this.#queue.push({ run: () => run().then(resolve, reject) });
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
        const committing = this.#commitBatch(this.#takeBatch());
        if (committing !== undefined) await committing;
      }
    }
    // In the same turn as the check above: any later submit starts a new run.
    this.#running = null;
  }

  #takeBatch(): Waiting[] {
    let count = 0;
    let size = 0;
    while (count < this.#queue.length) {
      const next = this.#queue[count]!;
      if ("run" in next || (count > 0 && size + next.size > BATCH_SIZE_TARGET)) break;
      size += next.size;
      count++;
    }
    if (count === this.#queue.length) {
      const all = this.#queue as Waiting[];
      this.#queue = [];
      return all;
    }
    return this.#queue.splice(0, count) as Waiting[];
  }

  #commitBatch(batch: Waiting[]): MaybePromise<void> {
    const texts = batch.length === 1 ? batch[0]!.texts : batch.flatMap((waiting) => waiting.texts);
    let committed;
    try {
      committed = this.#commit(texts);
    } catch (error) {
      return this.#reject(batch, error);
    }
    // Don't await what has already happened: every `await` costs a turn of the microtask queue.
    if (!("then" in committed)) return this.#settle(batch, committed);
    return committed.then(
      (later) => this.#settle(batch, later),
      (error) => this.#reject(batch, error),
    );
  }

  #settle(batch: Waiting[], { sequenceFirst, timestamp }: Committed): void {
    let sequence = sequenceFirst;
    for (const waiting of batch) {
      try {
        waiting.resolve(waiting.settle(sequence, timestamp));
      } catch (error) {
        waiting.reject(error);
      }
      sequence += waiting.texts.length;
    }
    this.#ended(null);
  }

  #reject(batch: Waiting[], error: unknown): void {
    for (const waiting of batch) waiting.reject(error);
    this.#ended(error);
  }
}
