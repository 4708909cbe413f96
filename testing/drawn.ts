/**
 * Draws mutations and prepares them as if they were journaled.
 *
 * @module
 */

import { InvalidMutationError, TooLargeError } from "../src/errors.ts";
import { messageOf } from "../src/failures.ts";
import { RECORD_SIZE_MAX } from "../src/format/format.ts";
import { encodeMutation } from "../src/format/mutation_encode.ts";
import { type StandardSchema, validate } from "../src/state/standard_schema.ts";
import { textOfAny } from "../src/format/difference.ts";
import type { Random } from "./disk/random.ts";
import { drawTimestamps } from "./world/world.ts";

/** A mutation, as passed to `apply` and as stored in the journal. */
export interface Drawn<M> {
  /** The mutation that was generated. */
  readonly given: M;
  /** What the journal holds: the output of the schema, as JSON. */
  readonly text: string;
  /** When it is journaled. */
  readonly timestamp: number;
}

/** Generates mutations, and determines how many. */
export interface Source<M> {
  generate(random: Random, index: number): M;
  readonly schema: StandardSchema<unknown, unknown> | undefined;
  readonly count: number;
  /** The seed that reproduces them, for a message. */
  readonly seed: number;
}

/**
 * Draws the requested number of mutations, with the schema's output for each: the schema runs before the journal, once
 * per mutation, and may read the clock.
 *
 * @throws {InvalidMutationError} when one could not be journaled
 * @throws {TooLargeError} when one is too large to be journaled
 */
export function drawMutations<M>(source: Source<M>, random: Random): Drawn<M>[] {
  const { generate, schema, count } = source;
  const drawn = Array.from({ length: count }, (_, index) => {
    let given: M | undefined;
    try {
      given = generate(random, index);
      const input = copyOf(given);
      const output = schema === undefined ? input : validate(schema, input);
      return { given, text: encodeMutation(output, RECORD_SIZE_MAX) };
    } catch (error) {
      throw withSeed(error, `mutation ${index + 1} of seed ${source.seed}`, given);
    }
  });
  const timestamps = drawTimestamps(() => random.next(), count);
  return drawn.map((mutation, index) => ({ ...mutation, timestamp: timestamps[index]! }));
}

/** Copied, because a schema may change its input: the generated mutation stays unchanged, for the message. */
function copyOf<T>(value: T): T {
  try {
    return structuredClone(value);
  } catch {
    // It contains a function, for example. The schema, or the check that refuses anything but JSON, decides about it.
    return value;
  }
}

function withSeed(error: unknown, which: string, given: unknown): unknown {
  const what = given === undefined ? "" : `\n  The mutation: ${textOfAny(given)}`;
  const message =
    `generate() of the check failed to make ${which}: ${
      messageOf(error)
    }; this says nothing about the mutator yet: ` +
    `let generate() return what would be passed to \`apply\`${what}`;
  const details = { operation: "apply", cause: error };
  if (error instanceof InvalidMutationError) {
    return new InvalidMutationError(message, { ...details, issues: error.issues });
  }
  if (error instanceof TooLargeError) return new TooLargeError(message, details);
  const Kind = error instanceof TypeError ? TypeError : Error;
  return new Kind(message, { cause: error });
}
