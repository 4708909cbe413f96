/**
 * The iterator that `changes` returns. It ends at once, even while a caller waits for its next value.
 *
 * An async generator can't do that: its `return()` waits until its `next()` is settled.
 *
 * @module
 */

import type { VersionedRecord } from "../journal/journal_cursor.ts";
import type { RecordSource } from "../journal/record_source.ts";

type Result<T> = IteratorResult<T, void>;

interface Asked<T> {
  resolve: (result: Result<T>) => void;
  reject: (error: unknown) => void;
}

const done = <T>(): Result<T> => ({ done: true, value: undefined });

/** Iterates the records of a source, each turned into a value by `convert`. */
export class ChangeIterator<T> implements AsyncGenerator<T, void, void> {
  readonly #source: RecordSource;
  readonly #convert: (record: VersionedRecord) => T;
  readonly #signals: readonly AbortSignal[];
  /** Calls of `next` that are not settled yet, in order. */
  #asked: Asked<T>[] = [];
  #isRunning = false;
  #isOver = false;
  readonly #end = (): void => this.#finish();

  /** @param signals each ends the iteration, like `return()` */
  constructor(
    source: RecordSource,
    convert: (record: VersionedRecord) => T,
    signals: readonly AbortSignal[],
  ) {
    this.#source = source;
    this.#convert = convert;
    this.#signals = signals;
  }

  next(): Promise<Result<T>> {
    if (this.#signals.some(({ aborted }) => aborted)) this.#finish();
    if (this.#isOver) return Promise.resolve(done<T>());
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      if (!this.#isRunning) this.#run();
    });
  }

  return(): Promise<Result<T>> {
    this.#finish();
    return Promise.resolve(done<T>());
  }

  throw(error: unknown): Promise<Result<T>> {
    this.#finish();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Settles the waiting calls. Available records are delivered before the first `await`. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      this.#serve();
      if (this.#asked.length === 0) return;
      // Only while a call waits: an abandoned iterator must not stay attached to a signal that outlives it.
      for (const signal of this.#signals) signal.addEventListener("abort", this.#end);
      while (this.#asked.length > 0) {
        if (!await this.#source.fetch()) this.#finish();
        this.#serve();
      }
    } catch (error) {
      const [first] = this.#asked.splice(0, 1);
      first?.reject(error);
      this.#finish();
    } finally {
      this.#isRunning = false;
      for (const signal of this.#signals) signal.removeEventListener("abort", this.#end);
    }
  }

  #serve(): void {
    while (this.#asked.length > 0) {
      const record = this.#source.take();
      if (record === null) return;
      const value = this.#convert(record);
      this.#asked.shift()!.resolve({ done: false, value });
    }
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const asked = this.#asked;
    this.#asked = [];
    for (const { resolve } of asked) resolve(done<T>());
    this.#source.stop();
  }
}
