/**
 * Deals the steps of an exploration out to several processes.
 *
 * @module
 */

/** Which steps are this process's own. */
export interface Slice {
  /** Whether step number `step` is to be made here. */
  mine(step: number): boolean;
}

/** All steps. */
export const EVERYTHING: Slice = { mine: () => true };

/** Every `count`-th step, beginning with `index`. */
export function sliceOf(index: number, count: number): Slice {
  return { mine: (step) => step % count === index };
}

/** One step alone, to look at it again. */
export function onlyStep(wanted: number): Slice {
  return { mine: (step) => step === wanted };
}
