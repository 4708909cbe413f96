/**
 * Decides what a power cut leaves: numbers drawn from a seed, or every possibility in turn.
 *
 * @module
 */

import { Random } from "./random.ts";

/** Makes the choices that the simulated disk leaves open. */
export interface Chooser {
  /** Picks one of `count` possibilities: a whole number from 0 to below `count`. */
  choose(count: number): number;
  /** A number from 0 to below 1, for details too numerous to try one by one. */
  next(): number;
}

/** Walks through every sequence of choices that a deterministic program makes, one run after another. */
export class EveryChoice implements Chooser {
  readonly #picks: number[] = [];
  readonly #counts: number[] = [];
  #asked = 0;
  #details = new Random(1);

  choose(count: number): number {
    if (this.#asked === this.#picks.length) {
      this.#picks.push(0);
      this.#counts.push(count);
    }
    return this.#picks[this.#asked++]!;
  }

  next(): number {
    return this.#details.next();
  }

  /** Moves on to the next sequence of choices; `false` when there is none left. */
  advance(): boolean {
    this.#asked = 0;
    this.#details = new Random(1);
    for (let last = this.#picks.length - 1; last >= 0; last--) {
      if (this.#picks[last]! + 1 < this.#counts[last]!) {
        this.#picks[last]!++;
        return true;
      }
      this.#picks.pop();
      this.#counts.pop();
    }
    return false;
  }
}
