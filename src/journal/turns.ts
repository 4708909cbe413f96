/**
 * Lets so many pieces of work run at a time; the others wait for their turn, in order.
 *
 * @module
 */

/** Turns at something that not everybody can have at once. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  /** All that has not ended yet. */
  readonly #underWay = new Set<Promise<unknown>>();

  /** @param count how many may have a turn at a time */
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

  /** Returns once everything asked for before has ended, whether it succeeded or not. */
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
      // Handed on rather than given back: nobody can come in between.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
