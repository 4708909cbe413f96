/**
 * Runs jobs one at a time, in the order in which they were asked for.
 *
 * @module
 */

/** Jobs of which only one may run at a time. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a job after those asked for before, whether they succeeded or not. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(job, job);
    // The caller gets the failure; the next job in line only waits.
    this.#last = turn.then(() => undefined, () => undefined);
    return turn;
  }

  /** Returns once everything asked for before has ended. */
  idle(): Promise<unknown> {
    return this.#last;
  }
}
