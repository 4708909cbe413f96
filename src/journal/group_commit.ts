/**
 * Puts mutations that wait at the same time into one batch, in call order, and runs other work between batches.
 *
 * @module
 */

import type { MaybePromise } from "../durable_fs.ts";
import { BATCH_SIZE_MAX } from "../format/format.ts";

/** What a batch has become. */
export interface Committed {
  sequenceFirst: number;
  timestamp: number;
}

/** Makes a batch of mutations durable; on a fast disk, at once. */
export type Commit = (texts: string[]) => MaybePromise<Committed>;

/** Mutations of one call: they stay together in one batch. */
interface Waiting {
  texts: string[];
  size: number;
  /** Called once they are durable, in order; what it returns or throws is the call's outcome. */
  settle: (sequenceFirst: number, timestamp: number) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Work that must not overlap with a batch. */
interface Task {
  run: () => Promise<void>;
}

/** A batch takes no further call once it is this large, so that one sync never makes others wait for long. */
const BATCH_SIZE_TARGET = BATCH_SIZE_MAX / 16;

/** The queue in front of the journal. One batch or task at a time; everything in call order. */
export class GroupCommit {
  readonly #commit: Commit;
  readonly #ended: (error: unknown) => void;
  #queue: (Waiting | Task)[] = [];
  #running: Promise<void> | null = null;

  /** @param ended told of each batch once its calls are settled, and of its error */
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

  /** Runs `task` in its turn: after everything queued before, and with no batch under way. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // Async, so that a task that throws at once rejects too, and never stops the queue.
      const run = async () => await task();
      this.#queue.push({ run: () => run().then(resolve, reject) });
      this.#start();
    });
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      // Lets callers that were just resumed submit their next mutation, so that they share the next batch.
      let seen: number;
      do {
        seen = this.#queue.length;
        await undefined;
      } while (this.#queue.length > seen);
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
    // In the same turn as the check above: whoever submits after it starts a new run.
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
    // What has happened already is not waited for: every `await` costs a turn of the microtask queue.
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
