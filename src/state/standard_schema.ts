/**
 * The part of the Standard Schema interface (https://standardschema.dev, version 1) used to validate mutations.
 *
 * @module
 */

import { InvalidMutationError } from "../errors.ts";
import { messageOf } from "../failures.ts";

/** A validator's verdict on a value. */
export type SchemaResult<O> =
  | { readonly value: O; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A validator as provided by zod, valibot, arktype and others. */
export interface StandardSchema<I = unknown, O = I> {
  /** The property defined by the standard. */
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
 * Runs a validator and returns its output. Errors that the validator throws pass unchanged.
 *
 * @throws {InvalidMutationError} when it refuses the value
 * @throws {TypeError} when it is asynchronous (calls would no longer be journaled in call order), or returns something
 * that the standard doesn't define
 */
export function validate<O>(schema: StandardSchema<unknown, O>, value: unknown): O {
  const outcome: unknown = schema["~standard"].validate(value);
  if (typeof outcome !== "object" || outcome === null) throw notOfTheStandard(outcome);
  if (typeof (outcome as PromiseLike<unknown>).then === "function") {
    // An unhandled rejection would end the process.
    Promise.resolve(outcome).catch((error) => error);
    throw new TypeError(
      "The schema validates asynchronously, which would lose the order of calls: use a synchronous one",
    );
  }
  const { issues } = outcome as { issues?: unknown };
  // The standard only asks whether there are issues: some validators return `null` or `false` when there are none.
  if (issues) throw invalidMutation(Array.isArray(issues) ? issues : [issues]);
  if ("value" in outcome) return outcome.value as O;
  throw notOfTheStandard(outcome);
}

function invalidMutation(issues: readonly unknown[]): InvalidMutationError {
  const messages = issues.map((issue) => (issue as { message?: unknown } | null)?.message);
  const reasons = messages.filter((message) => typeof message === "string" && message !== "");
  const reason = reasons.length > 0 ? reasons.join("; ") : "it gives no reason";
  return new InvalidMutationError(
    `The schema refuses the mutation: ${reason}; it was not journaled`,
    { operation: "apply", issues },
  );
}

function notOfTheStandard(outcome: unknown): TypeError {
  const found = typeof outcome === "object" && outcome !== null
    ? "an object without either"
    : messageOf(outcome);
  return new TypeError(
    "The schema must answer with { value } or { issues }, as a Standard Schema does; " +
      `it answered with ${found}, and nothing was journaled`,
  );
}
