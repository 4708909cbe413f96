/**
 * Random numbers that depend only on a seed, so that every run can be repeated.
 *
 * @module
 */

import type { Chooser } from "./chooser.ts";

/**
 * Draws numbers by the mulberry32 algorithm (Tommy Ettinger, 2017).
 *
 * @example Repeat a run
 * ```ts
 * import { Random } from "@ministate/ministate/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [random, same] = [new Random(7), new Random(7)];
 * assertEquals([random.next(), random.next()], [same.next(), same.next()]);
 * ```
 */
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

  /**
   * A number from 0 to below 1.
   *
   * @example Draw a fraction
   * ```ts
   * import { Random } from "@ministate/ministate/testing";
   * import { assert } from "@std/assert";
   *
   * const number = new Random(7).next();
   * assert(number >= 0 && number < 1);
   * ```
   */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /**
   * A whole number from 0 to below `bound`.
   *
   * @example Throw a die
   * ```ts
   * import { Random } from "@ministate/ministate/testing";
   * import { assert } from "@std/assert";
   *
   * const eyes = 1 + new Random(7).below(6);
   * assert([1, 2, 3, 4, 5, 6].includes(eyes));
   * ```
   */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /**
   * Picks one of `count` possibilities.
   *
   * @example Decide a power cut
   * ```ts
   * import { Random } from "@ministate/ministate/testing";
   * import { assert } from "@std/assert";
   *
   * assert([0, 1, 2].includes(new Random(7).choose(3)));
   * ```
   */
  choose(count: number): number {
    return this.below(count);
  }

  /**
   * True with the given chance, from 0 to 1.
   *
   * @example Do something one time in four
   * ```ts
   * import { Random } from "@ministate/ministate/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const random = new Random(7);
   * assertEquals([random.chance(0), random.chance(1)], [false, true]);
   * const done = Array.from({ length: 1000 }, () => random.chance(0.25)).filter(Boolean).length;
   * assertEquals(Math.round(done / 100), 2); // about 250
   * ```
   */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /**
   * One of the items; there must be at least one.
   *
   * @example Pick a room
   * ```ts
   * import { Random } from "@ministate/ministate/testing";
   * import { assert } from "@std/assert";
   *
   * const rooms = ["hall", "bath", "attic"];
   * assert(rooms.includes(new Random(7).pick(rooms)));
   * ```
   */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
