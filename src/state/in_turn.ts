/**
 * Runs jobs one at a time, in the order in which they were submitted.
 *
 * @module
 */

/** A queue of jobs of which only one runs at a time. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a job after all earlier ones, whether they succeeded or not. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(job, job);
    // The caller gets the failure. The next job only waits.
    this.#last = turn.then(() => undefined, () => undefined);
    return turn;
  }

  /** Returns once all jobs submitted before have ended. */
  idle(): Promise<unknown> {
    return this.#last;
  }
}
