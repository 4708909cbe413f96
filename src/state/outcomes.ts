/**
 * What a program's answer to a mutation means: accepted, or refused with an error for the caller.
 *
 * @module
 */

import { MutationRejectedError, MutatorChangedError } from "../errors.ts";
import { messageOf } from "../failures.ts";
import type { Draft } from "./draft.ts";
import type { DeepReadonly, MutationContext, RunnableMutator, RunnableReducer } from "./types.ts";

/** Asks a mutator's `check`, if it has one. What it throws refuses the mutation. */
export function check<S, M, R>(
  mutator: RunnableMutator<S, M, R>,
  draft: Draft<S>,
  mutation: M,
  context: MutationContext,
): void {
  if (mutator.check === undefined) return;
  const { changes } = draft;
  const state = draft.root as DeepReadonly<S>;
  refusePromise(mutator.check(state, mutation as DeepReadonly<M>, context) as unknown);
  // A replay doesn't ask `check`, and would lack the change.
  if (draft.changes !== changes) {
    throw new TypeError("check() changed the state, which only apply() may do");
  }
}

/** Runs a reducer. What it throws refuses the mutation. */
export function reduce<S, M>(
  reducer: RunnableReducer<S, M>,
  state: S,
  mutation: M,
  context: MutationContext,
): S {
  const next = refusePromise(reducer.reduce(state, mutation, context));
  if (next === undefined) {
    throw new TypeError("reduce() returned undefined instead of the next state");
  }
  return next;
}

/** A promise would make the outcome depend on when it settles, and memory would change out of order. */
export function refusePromise<T>(value: T): T {
  // Looking up `then` in a number makes Bun search its prototypes each time.
  if (typeof value !== "object" && typeof value !== "function") return value;
  if (typeof (value as { then?: unknown } | null)?.then !== "function") return value;
  Promise.resolve(value).catch((error) => error);
  throw new TypeError("it returned a promise: mutators must be synchronous and deterministic");
}

/** The error for a call that was refused before anything was written. */
export function refusedUnwritten(cause: unknown): MutationRejectedError {
  return new MutationRejectedError(
    `The mutator refused the mutation: ${
      messageOf(cause)
    }; nothing was journaled, and the state is as it was`,
    { sequence: null, operation: "apply", cause },
  );
}

/**
 * The error for a call that was refused in its turn.
 *
 * @param sequence the mutation that was refused
 * @param count how many mutations the call has
 */
export function refused(cause: unknown, sequence: number, count: number): MutationRejectedError {
  const others = count === 1 ? "" : `, and so none of its group of ${count} is applied`;
  return new MutationRejectedError(
    `The mutator refused mutation ${sequence}: ${
      messageOf(cause)
    }${others}; the state is as it was, and the journal ` +
      "keeps that it was refused",
    { sequence, operation: "apply", cause },
  );
}

/** The error for a mutation that was accepted, or may have been, and is refused now. */
export function mutatorChanged(
  sequence: number,
  version: number,
  cause: unknown,
  undecided: boolean,
): MutatorChangedError {
  const before = undecided
    ? `version ${version} journaled it right before it stopped, and no line says what became of it`
    : "it was accepted when it was journaled";
  return new MutatorChangedError(
    `The mutator refuses mutation ${sequence}: ${
      messageOf(cause)
    }; ${before}. Nothing was changed on the disk. ` +
      "Go back to the program that wrote it, or raise the mutator's version and let migrate.mutation convert the " +
      "mutation or return DROP",
    { sequence, operation: "open", cause, undecided },
  );
}
