/**
 * Starts compactions by itself, from the caller's own `apply`, without making it wait.
 *
 * @module
 */

import type { Compaction } from "./compaction.ts";
import type { MinistateError } from "../errors.ts";
import { isDiskFull } from "../failures.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";

/**
 * After a failure, how much further journal the next try waits for: this share of what starts a compaction otherwise,
 * then twice as much each time, up to half of it. Soon enough at first that whatever the failure has freed still holds
 * a snapshot; not with every mutation, because each try can cost the card one.
 */
const RETRY_SHARE_MIN = 1 / 16;
const RETRY_SHARE_MAX = 1 / 2;

/** On a full disk no journal is added: there, the next try waits for as many refused batches, twice as many each time. */
const REFUSALS_MAX = 64;

/** Watches the journal's length. */
export class AutomaticCompaction {
  readonly #compaction: Compaction;
  readonly #writer: JournalWriter;
  readonly #size: number;
  readonly #onError: (error: MinistateError) => unknown;
  /** Why the last one failed; `null` when it did not. */
  failure: MinistateError | null = null;
  #running = false;
  #stopped = false;
  #retryShare = RETRY_SHARE_MIN;
  #refusalsLeft = 0;
  #refusalsNext = 1;

  constructor(
    compaction: Compaction,
    writer: JournalWriter,
    settings: { compactionSize: number; onCompactionError?: (error: MinistateError) => void },
  ) {
    this.#compaction = compaction;
    this.#writer = writer;
    this.#size = settings.compactionSize;
    this.#onError = settings.onCompactionError ?? (() => {});
    writer.onBatchEnd = (error) => isDiskFull(error) ? this.#startIfDue() : this.#startIfLong();
  }

  /** Starts when the journal since the last snapshot is longer than the limit and than that snapshot. */
  #startIfLong(): void {
    const { sizeSinceSnapshot } = this.#writer;
    const isDue = this.failure === null
      ? sizeSinceSnapshot > this.#limit
      : sizeSinceSnapshot > this.#limit * this.#retryShare;
    if (isDue) this.#start();
  }

  get #limit(): number {
    return Math.max(this.#size, this.#compaction.snapshotSize);
  }

  /** Starts because a batch found the disk full, unless that failed a moment ago. */
  #startIfDue(): void {
    if (this.#refusalsLeft > 0) this.#refusalsLeft--;
    else this.#start();
  }

  /** Starts a compaction that nobody waits for, unless one is under way. */
  #start(): void {
    const { sequence, poison } = this.#writer;
    if (this.#running || this.#stopped || poison !== null || sequence === 0) return;
    this.#running = true;
    this.#compaction.compact().then(
      () => {
        this.#running = false;
        this.failure = null;
        this.#retryShare = RETRY_SHARE_MIN;
        this.#refusalsLeft = 0;
        this.#refusalsNext = 1;
      },
      (error) => {
        // The first failure of several waits for the smallest share.
        if (this.failure !== null) {
          this.#retryShare = Math.min(RETRY_SHARE_MAX, this.#retryShare * 2);
        }
        this.#running = false;
        this.failure = error;
        this.#refusalsLeft = this.#refusalsNext;
        this.#refusalsNext = Math.min(REFUSALS_MAX, this.#refusalsNext * 2);
        this.#writer.sizeSinceSnapshot = 0;
        this.#tell(error);
      },
    );
  }

  /**
   * Resolves with whether the callback took it. What that throws is its own affair: nobody waits here who could be
   * told, and `failure` tells of the compaction all the same.
   */
  async #tell(error: MinistateError): Promise<boolean> {
    try {
      await this.#onError(error);
      return true;
    } catch {
      return false;
    }
  }

  /** Starts none from now on. */
  stop(): void {
    this.#stopped = true;
  }
}
