/**
 * Checks that a program gave a usable mutator.
 *
 * @module
 */

import { MUTATOR_NAME_SIZE_MAX } from "../format/format.ts";
import type { MutatorBase } from "./types.ts";

/** Checks that a program gave a usable mutator. */
export function checkMutator(mutator: MutatorBase<unknown, unknown>): void {
  if (typeof mutator !== "object" || mutator === null || typeof mutator.initial !== "function") {
    throw new TypeError("The mutator must be an object with initial() and apply() or reduce()");
  }
  const { apply, reduce } = mutator as { apply?: unknown; reduce?: unknown };
  if ((typeof apply === "function") === (typeof reduce === "function")) {
    throw new TypeError(
      "The mutator must have either apply(state, mutation) or reduce(state, mutation)",
    );
  }
  const { version = 1, name, schema, migrate } = mutator;
  if (schema !== undefined && typeof schema?.["~standard"]?.validate !== "function") {
    throw new TypeError("The mutator's schema must be a Standard Schema validator");
  }
  if (migrate !== undefined && (typeof migrate !== "object" || migrate === null)) {
    throw new TypeError("The mutator's migrate must be an object with state() or mutation()");
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new RangeError(`The mutator's version must be a whole number from 1, got ${version}`);
  }
  if (
    name !== undefined &&
    (typeof name !== "string" || name === "" || name.length > MUTATOR_NAME_SIZE_MAX)
  ) {
    throw new RangeError(
      `The mutator's name must be a string of 1 to ${MUTATOR_NAME_SIZE_MAX} characters`,
    );
  }
}
