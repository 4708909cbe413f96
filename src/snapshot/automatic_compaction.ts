/**
 * Starts compactions by itself, from the caller's own `apply`, without making it wait.
 *
 * @module
 */

import type { Compaction } from "./compaction.ts";
import { isDiskFull, type MinistateError } from "../errors.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";

/** Watches the journal's length. */
export class AutomaticCompaction {
  readonly #compaction: Compaction;
  readonly #writer: JournalWriter;
  readonly #size: number;
  readonly #onError: (error: MinistateError) => void;
  /** Why the last one failed; `null` when it did not. */
  failure: MinistateError | null = null;
  #running = false;
  #stopped = false;
  /** The sequence at which it failed last: trying again there would fail again. */
  #failedAt = -1;

  constructor(
    compaction: Compaction,
    writer: JournalWriter,
    settings: { compactionSize: number; onCompactionError?: (error: MinistateError) => void },
  ) {
    this.#compaction = compaction;
    this.#writer = writer;
    this.#size = settings.compactionSize;
    this.#onError = settings.onCompactionError ?? (() => {});
    writer.onBatchEnd = (error) => isDiskFull(error) ? this.#start() : this.#startIfLong();
  }

  /** Starts when the journal since the last snapshot is longer than the limit and than that snapshot. */
  #startIfLong(): void {
    if (this.#writer.sizeSinceSnapshot > Math.max(this.#size, this.#compaction.snapshotSize)) {
      this.#start();
    }
  }

  /** Starts a compaction that nobody waits for, unless one is under way or just failed at this point. */
  #start(): void {
    const { sequence, poison } = this.#writer;
    if (this.#running || this.#stopped || poison !== null) return;
    if (sequence === 0 || sequence === this.#failedAt) return;
    this.#running = true;
    this.#compaction.compact().then(
      () => {
        this.#running = false;
        this.failure = null;
      },
      (error) => {
        this.#running = false;
        this.failure = error;
        this.#failedAt = sequence;
        // Tried again after half as much more, not with every mutation.
        this.#writer.sizeSinceSnapshot = this.#size / 2;
        this.#onError(error);
      },
    );
  }

  /** Starts none from now on. */
  stop(): void {
    this.#stopped = true;
  }
}
