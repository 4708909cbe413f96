/**
 * Deals the steps of an exploration out to several processes.
 *
 * @module
 */

/** Which steps are this process's own. */
export interface Slice {
  /** Whether step number `step` belongs to this slice. */
  mine(step: number): boolean;
}

/** All steps. */
export const EVERYTHING: Slice = { mine: () => true };

/** Every `count`-th step, beginning with `index`. */
export function sliceOf(index: number, count: number): Slice {
  return { mine: (step) => step % count === index };
}

/** A single step, to check it again. */
export function onlyStep(wanted: number): Slice {
  return { mine: (step) => step === wanted };
}
