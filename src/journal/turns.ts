/**
 * Runs a limited number of tasks at a time. The others wait for their turn, in order.
 *
 * @module
 */

/** How many followers read from the disk at a time, so that even thousands never use up the descriptors. */
export const READS_MAX = 16;

/** A limited number of turns. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  /** All tasks that have not finished yet. */
  readonly #underWay = new Set<Promise<unknown>>();

  /** @param count how many tasks may run at a time */
  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` in its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#run(work);
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** Returns once everything submitted before has ended, whether it succeeded or not. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Passed on rather than returned, so that no one can take the turn in between.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
