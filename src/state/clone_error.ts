/**
 * Explains the error of a mutator that gave a draft to `structuredClone()`.
 *
 * @module
 */

/** Proxies can't be cloned, and the engines' own messages about that don't help. */
export function explained(thrown: unknown): unknown {
  if (!isCloneError(thrown)) return thrown;
  return new TypeError(
    `structuredClone() can't copy what apply() receives (${thrown.message}): ` +
      "copy a part of the state through JSON text, or with { ...part }",
    { cause: thrown },
  );
}

/** A proxy may refuse even to say whether it is an error. */
function isCloneError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error && thrown.name === "DataCloneError";
  } catch {
    return false;
  }
}
