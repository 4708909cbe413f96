/**
 * The call of a mutator that runs once its mutations are durable.
 *
 * @module
 */

import type { BatchPlace, Call } from "../journal/group_commit.ts";
import type { Applied } from "./types.ts";

/** What runs the mutations. */
export interface CallRunner<R> {
  /** Asks about a call at the head of a batch, before anything is written. Throws to refuse it. */
  judge(texts: string[], place: BatchPlace): void;
  /** Runs the mutations of a call, now that they are durable. */
  runInTurn(texts: string[], sequenceFirst: number, timestamp: number): Applied<R>[];
}

/** A call that runs in its turn. There are many per second, and a class needs no closure for each. */
export class CallInTurn<R, T> implements Call<T> {
  readonly texts: string[];
  readonly #runner: CallRunner<R>;
  readonly #resultOf: (applied: Applied<R>[]) => T;

  constructor(runner: CallRunner<R>, texts: string[], resultOf: (applied: Applied<R>[]) => T) {
    this.#runner = runner;
    this.texts = texts;
    this.#resultOf = resultOf;
  }

  judge(sequenceFirst: number, timestamp: number, isHead: boolean): void {
    if (isHead) this.#runner.judge(this.texts, { sequenceFirst, timestamp });
  }

  settle(sequenceFirst: number, timestamp: number): T {
    return this.#resultOf(this.#runner.runInTurn(this.texts, sequenceFirst, timestamp));
  }
}
