/**
 * Keeps a compaction and its callers in step, so that the directory stays below twice its promised size: the further
 * the compaction is behind, the more it does at once; and when that is not enough, batches wait for it.
 *
 * @module
 */

import type { JournalGrowth } from "./journal_growth.ts";

/**
 * How much the journal may grow during a compaction, as a share of the length at which the next one is due. With the
 * journal after each kept snapshot a quarter longer than promised, and one more snapshot being written, the directory is
 * still smaller than twice what is promised.
 */
const GROWTH_SHARE = 5 / 4;

/** The part of that which callers may use before the compaction has done anything. The rest comes with its progress. */
const START_SHARE = 1 / 4;

/** How long one piece of a compaction takes while it is not behind, in milliseconds: callers hardly notice. */
const PIECE_MS_MIN = 0.25;
/** How long one may take at most. */
export const PIECE_MS_MAX = 4;
/** How much longer a piece may take if the journal has grown by all that it may. */
const PIECE_MS_RISE = 8;

/** Keeps the balance between a compaction and the calls that write meanwhile. */
export class Backpressure {
  readonly #growth: JournalGrowth;
  readonly #due: () => number;
  /** How many bytes the compaction under way reads and writes; 0 when there is none. */
  #workSize = 0;
  #done = 0;
  #waiting: Promise<void> | null = null;
  #resume: () => void = () => {};

  /**
   * @param growth how much the journal has grown since the compaction began
   * @param due how much it must have grown for the next one
   */
  constructor(growth: JournalGrowth, due: () => number) {
    this.#growth = growth;
    this.#due = due;
  }

  /** @param workSize about how many bytes the compaction that begins reads and writes */
  begin(workSize: number): void {
    this.#workSize = Math.max(1, workSize);
    this.#done = 0;
  }

  /** The compaction has read or written more. */
  advance(size: number): void {
    this.#done += size;
    this.#release();
  }

  /** The compaction has ended, whether or not it succeeded. */
  end(): void {
    this.#workSize = 0;
    this.#release();
  }

  /** How long the next piece of the compaction should take, in milliseconds. */
  get pieceMs(): number {
    const used = this.#growth.size / (this.#due() * GROWTH_SHARE);
    return Math.min(PIECE_MS_MAX, PIECE_MS_MIN + PIECE_MS_RISE * used);
  }

  /**
   * Resolves once the compaction has progressed or ended; `null` when it is not behind.
   *
   * @param sizeNext how much the next batch adds to the journal
   */
  pause(sizeNext: () => number): Promise<void> | null {
    if (this.#workSize === 0) return null;
    const progress = Math.min(1, this.#done / this.#workSize);
    const share = START_SHARE + (1 - START_SHARE) * progress;
    if (this.#growth.size + sizeNext() <= this.#due() * GROWTH_SHARE * share) return null;
    return this.#waiting ??= new Promise<void>((resolve) => this.#resume = resolve);
  }

  #release(): void {
    this.#resume();
    this.#waiting = null;
  }
}
