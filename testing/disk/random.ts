/**
 * Random numbers that depend only on a seed, so that every run can be repeated.
 *
 * @module
 */

import type { Chooser } from "./chooser.ts";

/** Draws numbers by the mulberry32 algorithm (Tommy Ettinger, 2017). */
export class Random implements Chooser {
  #state: number;

  /**
   * Starts a sequence of numbers.
   *
   * @param seed a whole number; only its lowest 32 bits count
   */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** Picks one of `count` possibilities. */
  choose(count: number): number {
    return this.below(count);
  }

  /** True with the given chance, from 0 to 1. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items; there must be at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
