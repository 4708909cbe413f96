/**
 * The part of the Standard Schema interface (https://standardschema.dev, version 1) that is used to validate mutations.
 *
 * @module
 */

import { InvalidMutationError } from "../errors.ts";

/** What a validator says of a value. */
export type SchemaResult<O> =
  | { readonly value: O; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A validator as zod, valibot, arktype and others offer it. */
export interface StandardSchema<I = unknown, O = I> {
  /** The standard's own property. */
  readonly "~standard": {
    /** Version of the standard. */
    readonly version: 1;
    /** Name of the library. */
    readonly vendor: string;
    /** Checks a value. */
    readonly validate: (value: unknown) => SchemaResult<O> | Promise<SchemaResult<O>>;
    /** Types only. */
    readonly types?: { readonly input: I; readonly output: O } | undefined;
  };
}

/**
 * Runs a validator and returns its output.
 *
 * @throws {InvalidMutationError} when it refuses the value
 * @throws {TypeError} when it is asynchronous: calls would no longer be journaled in call order
 */
export function validate<O>(schema: StandardSchema<unknown, O>, value: unknown): O {
  const outcome = schema["~standard"].validate(value);
  if (outcome instanceof Promise) {
    outcome.catch((error) => error);
    throw new TypeError(
      "The schema validates asynchronously, which would lose the order of calls: use a synchronous one",
    );
  }
  if (outcome.issues === undefined) return outcome.value;
  const reasons = outcome.issues.map((issue) => issue.message).join("; ");
  throw new InvalidMutationError(
    `The schema refuses the mutation: ${reasons}; it was not journaled`,
    {
      operation: "apply",
      issues: outcome.issues,
    },
  );
}
