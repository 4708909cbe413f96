/**
 * The types of mutators: what a program passes in, and what it gets back.
 *
 * @module
 */

import type { JsonOf } from "../format/json_types.ts";
import type { StandardSchema } from "./standard_schema.ts";

/**
 * The information a mutator receives about the record it applies. It is the same on every replay, so no clock is
 * needed.
 */
export interface MutationContext {
  /** The record's number: 1 for the first mutation ever. */
  readonly sequence: number;
  /** When the record was journaled, in milliseconds since 1970, by the machine's clock; it may jump or stand still. */
  readonly timestamp: number;
}

/**
 * Returned by `migrate.mutation` for a mutation that has no place in this version: it is left out of the state.
 *
 * @example Leave out what this version no longer has
 * ```ts
 * import { DROP, StateManager } from "@ministate/ministate";
 * import { assertEquals } from "@std/assert";
 *
 * const initial = () => ({ value: 0 });
 * const before = {
 *   initial,
 *   apply: (state: { value: number }, { by }: { by?: number; note?: string }) => state.value += by ?? 0,
 * };
 * {
 *   await using manager = await StateManager.open("state", "counter.wal.jsonl", before);
 *   await manager.applyAll([{ by: 1 }, { note: "hello" }]);
 * }
 *
 * const now = {
 *   initial,
 *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
 *   version: 2,
 *   migrate: {
 *     mutation: (old: unknown) => "note" in (old as object) ? DROP : old as { by: number },
 *   },
 * };
 * await using manager = await StateManager.open("state", "counter.wal.jsonl", now);
 * assertEquals(manager.state.value, 1);
 * ```
 */
export const DROP: unique symbol = Symbol("DROP");

/** How to migrate data of an older version after the mutator's `version` was raised. */
export interface Migration<S, M> {
  /** Converts the state of an older version to this version. Without it, the state is used unchanged. */
  state?(state: unknown, versionFrom: number): S;
  /**
   * Converts a mutation journaled by an older version to this version, or returns {@linkcode DROP} to leave it out.
   * Without it, the mutation is used unchanged. It is not asked about mutations that were refused.
   */
  mutation?(mutation: unknown, versionFrom: number): M | typeof DROP;
}

/** What both styles of mutators have in common. */
export interface MutatorBase<S, M> {
  /** Returns the state before the first mutation. Must be JSON. */
  initial(): S;
  /** Names the kind of state, so that another mutator is refused. @default none */
  readonly name?: string;
  /** Version of the form of the state and the mutations, 1 or higher. @default 1 */
  readonly version?: number;
  /** How to migrate data of an older version. */
  readonly migrate?: Migration<S, M>;
  /**
   * A Standard Schema validator (zod, valibot, arktype …). Mutations it refuses are never journaled. Must be
   * synchronous.
   */
  readonly schema?: StandardSchema<unknown, M>;
}

/**
 * A mutator that changes the state in place.
 *
 * It must be deterministic: the same state and mutation always give the same outcome, on every replay.
 *
 * @typeParam S the state; must be JSON (see {@linkcode JsonOf})
 * @typeParam M the mutations; must be JSON
 * @typeParam R what `apply` returns to the caller
 */
export interface Mutator<S extends JsonOf<S>, M extends JsonOf<M>, R = unknown>
  extends MutatorBase<S, M> {
  /**
   * Throws to refuse `mutation`, without changing anything. A call that nothing else is waiting before is checked before
   * it is written: if it is refused, it costs no write and no sequence. Not asked again on a replay.
   */
  check?(state: DeepReadonly<S>, mutation: DeepReadonly<M>, context: MutationContext): void;
  /**
   * Changes `state` by `mutation` and returns any result. Throwing refuses the mutation for good, and takes back what
   * was changed before the throw. Not called again for a refused mutation.
   */
  apply(state: S, mutation: M, context: MutationContext): R;
}

/**
 * A mutator that returns the next state instead of changing the one it receives.
 *
 * @typeParam S the state; must be JSON (see {@linkcode JsonOf})
 * @typeParam M the mutations; must be JSON
 */
export interface Reducer<S extends JsonOf<S>, M extends JsonOf<M>> extends MutatorBase<S, M> {
  /**
   * Returns the state after `mutation`, without changing the one it receives. It runs before the mutation is written:
   * throwing refuses the mutation, which then costs no write and no sequence.
   */
  reduce(state: S, mutation: M, context: MutationContext): S;
}

/** What `apply` resolves to. */
export interface Applied<R> {
  /** The mutation's number: 1 for the first ever. */
  sequence: number;
  /** What the mutator returned. */
  result: R;
}

/**
 * A deeply read-only view of a state. Primitives and functions stay as they are, tuples stay tuples, and so do `unknown`
 * and `any`.
 *
 * @typeParam T the type of the state
 */
export type DeepReadonly<T> = 0 extends 1 & T ? T
  : T extends string | number | boolean | bigint | symbol | null | undefined ? T
  : T extends (...args: never) => unknown ? T
  : T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T;

/**
 * Marks a reducer of our own that changes the state in place, leaves it as it was when it throws, and gets no groups. It
 * runs in its turn, not ahead.
 *
 * @internal
 */
export const IN_PLACE: unique symbol = Symbol("in place");

/** A mutator as the library runs it. Whether its types are JSON was checked where it was passed in. */
export type RunnableMutator<S, M, R> = MutatorBase<S, M> & {
  check?(state: DeepReadonly<S>, mutation: DeepReadonly<M>, context: MutationContext): void;
  apply(state: S, mutation: M, context: MutationContext): R;
};

/** A reducer as the library runs it. */
export type RunnableReducer<S, M> = MutatorBase<S, M> & {
  reduce(state: S, mutation: M, context: MutationContext): S;
};
