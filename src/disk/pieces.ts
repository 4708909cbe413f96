/**
 * Decides how much to read or write before the event loop gets a turn: callers wait that long.
 *
 * @module
 */

import { type DurableFs, steadyNow } from "../durable_fs.ts";

/** Decides how much to work on at once, from how long earlier pieces took. */
export interface Pieces {
  /** How many bytes to work on before the next turn. */
  readonly size: number;
  /** Call it before each part of the work that no wait interrupts. */
  begin(): void;
  /**
   * Call it after that part.
   *
   * @param size how many bytes were worked on; 0 when another part of the work on the same bytes counts them
   */
  end(size: number): void;
}

/** Pieces of one size. */
export function piecesOf(size: number): Pieces {
  return { size, begin() {}, end() {} };
}

/** The smallest piece, and the first: small enough for a slow board, large enough not to be all overhead. */
export const PIECE_SIZE_MIN = 16 * 1024;

/** The largest piece. More at once saves next to nothing. */
const PIECE_SIZE_MAX = 1024 * 1024;

/** How much weight earlier measurements have beside a new one. A disturbed measurement is soon forgotten. */
const MEMORY = 0.75;

/** How to size pieces by time. */
export interface PiecePace {
  /** How long the work on the next piece should take, in milliseconds. */
  budgetMs: () => number;
  /** Called after the work on each piece. */
  onPiece: (size: number, ms: number) => void;
}

/** Pieces of one kind of work that take a given time on this very machine, learned from those before. */
export class TimedPieces implements Pieces {
  readonly #fs: DurableFs;
  readonly #pace: PiecePace;
  #begun = 0;
  #bytes = 0;
  #ms = 0;
  #largest = PIECE_SIZE_MIN / 2;

  constructor(fs: DurableFs, pace: PiecePace) {
    this.#fs = fs;
    this.#pace = pace;
  }

  get size(): number {
    // A rate that was learned from small pieces may be wrong for large ones.
    const limit = Math.min(this.#largest * 2, PIECE_SIZE_MAX);
    const fitting = this.#bytes === 0 ? 0 : this.#pace.budgetMs() * this.#bytes / this.#ms;
    return Math.max(PIECE_SIZE_MIN, Math.floor(Math.min(limit, fitting)));
  }

  begin(): void {
    this.#begun = steadyNow(this.#fs);
  }

  end(size: number): void {
    const ms = steadyNow(this.#fs) - this.#begun;
    if (size === 0) {
      this.#ms += ms;
      return;
    }
    this.#bytes = this.#bytes * MEMORY + size;
    this.#ms = this.#ms * MEMORY + ms;
    this.#largest = Math.max(this.#largest, size);
    this.#pace.onPiece(size, ms);
  }
}
