/**
 * Starts compactions automatically, triggered by the caller's `apply` but without delaying it.
 *
 * @module
 */

import type { Compaction } from "./compaction.ts";
import type { MinistateError } from "../errors.ts";
import { isDiskFull, messageOf } from "../failures.ts";
import type { StateManagerOptions } from "../options.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";

/**
 * How much more journal to wait for after a failure: this share of the usual limit, then twice as much each time, up to
 * half of it. The first retry comes soon enough that any space freed by the failure still holds a snapshot. It doesn't
 * come with every mutation, because each try can cost the card a snapshot's worth of writing.
 */
const RETRY_SHARE_MIN = 1 / 16;
const RETRY_SHARE_MAX = 1 / 2;

/** A full disk adds no journal, so the next try waits for this many refused batches, twice as many each time. */
const REFUSALS_MAX = 64;

/** Watches the journal's length and starts compactions. */
export class AutomaticCompaction {
  readonly #compaction: Compaction;
  readonly #writer: JournalWriter;
  readonly #due: () => number;
  readonly #directory: string;
  readonly #onError: ((error: MinistateError) => unknown) | null;
  /** Why the last compaction failed; `null` when it did not. */
  failure: MinistateError | null = null;
  #running = false;
  #stopped = false;
  #retryShare = RETRY_SHARE_MIN;
  #refusalsLeft = 0;
  #refusalsNext = 1;

  /** @param due how long the journal may get, in bytes */
  constructor(
    compaction: Compaction,
    writer: JournalWriter,
    due: () => number,
    settings: Pick<StateManagerOptions, "onCompactionError">,
    directory: string,
  ) {
    this.#compaction = compaction;
    this.#writer = writer;
    this.#due = due;
    this.#onError = settings.onCompactionError ?? null;
    this.#directory = directory;
    writer.onBatchEnd((error) => isDiskFull(error) ? this.#startIfDue() : this.#startIfLong());
  }

  /** Starts when the journal since the last snapshot is longer than it may get. */
  #startIfLong(): void {
    const { size } = this.#compaction.growth;
    const isDue = this.failure === null
      ? size > this.#due()
      : size > this.#due() * this.#retryShare;
    if (isDue) this.#start();
  }

  /** Starts because a batch found the disk full, unless a compaction failed just before. */
  #startIfDue(): void {
    if (this.#refusalsLeft > 0) this.#refusalsLeft--;
    else this.#start();
  }

  /** Starts a compaction in the background, unless one is in progress. */
  #start(): void {
    const { sequence, poison } = this.#writer;
    if (this.#running || this.#stopped || poison !== null || sequence === 0) return;
    this.#running = true;
    // Don't queue after the waiting calls: together they may exceed what the journal may grow by.
    this.#compaction.compact("next").then(
      () => {
        this.#running = false;
        this.failure = null;
        this.#retryShare = RETRY_SHARE_MIN;
        this.#refusalsLeft = 0;
        this.#refusalsNext = 1;
      },
      (error) => {
        const isFirst = this.failure === null;
        // The first failure of several waits for the smallest share.
        if (!isFirst) {
          this.#retryShare = Math.min(RETRY_SHARE_MAX, this.#retryShare * 2);
        }
        this.#running = false;
        this.failure = error;
        this.#refusalsLeft = this.#refusalsNext;
        this.#refusalsNext = Math.min(REFUSALS_MAX, this.#refusalsNext * 2);
        this.#compaction.growth.restart();
        if (this.#onError !== null) this.#tell(this.#onError, error);
        else if (isFirst) this.#warn(error);
      },
    );
  }

  /**
   * Calls the callback; resolves with whether it succeeded. An error that it throws is ignored: there is no caller here
   * to report it to, and `failure` still reports the compaction.
   */
  async #tell(
    onError: (error: MinistateError) => unknown,
    error: MinistateError,
  ): Promise<boolean> {
    try {
      await onError(error);
      return true;
    } catch {
      return false;
    }
  }

  /** Without a callback, nobody would notice that the journal grows without limit. One warning until it works again. */
  #warn(error: MinistateError): void {
    console.warn(
      `ministate: "${this.#directory}" was not compacted, and its journal grows until that succeeds: ${
        messageOf(error)
      }`,
    );
  }

  /** Starts no more compactions. */
  stop(): void {
    this.#stopped = true;
  }
}
