/**
 * The mutator being checked. It is created again for every run where possible, and without its schema, which runs
 * before a mutation is journaled and not on a replay.
 *
 * @module
 */

import type { JsonOf } from "../src/format/json_types.ts";
import { StateMachine } from "../src/state/mutator.ts";
import type { Mutator, Reducer, RunnableMutator, RunnableReducer } from "../src/state/types.ts";
import type { StandardSchema } from "../src/state/standard_schema.ts";
import { Random } from "./disk/random.ts";
import { type Setting, World } from "./world/world.ts";

/** A mutator in either style. */
export type AnyMutator<S extends JsonOf<S>, M extends JsonOf<M>> = Mutator<S, M> | Reducer<S, M>;

/**
 * A mutator, or a function that creates one. A restarted process begins with fresh variables; a check can only simulate
 * that with a function.
 */
export type MutatorSource<S extends JsonOf<S>, M extends JsonOf<M>> =
  | AnyMutator<S, M>
  | (() => AnyMutator<S, M>);

/** A mutator inside the check: whether its types are JSON was checked where it was passed in. */
export type CheckedMutator<S, M> = RunnableMutator<S, M, unknown> | RunnableReducer<S, M>;

/** A source of them. */
export type CheckedSource<S, M> = CheckedMutator<S, M> | (() => CheckedMutator<S, M>);

/** The mutator being checked. */
export interface Subject<S, M> {
  /** Creates a mutator for one run. */
  make(): CheckedMutator<S, M>;
  /** Validates mutations before they are journaled. */
  readonly schema: StandardSchema<unknown, M> | undefined;
  readonly version: number;
  /** Creates a world for one run. Its random numbers depend only on the seed. */
  world(setting: Setting): World;
}

/**
 * Examines a mutator, or the first one that the function creates.
 *
 * @throws {TypeError} when it is not a mutator
 */
export function subjectOf<S, M>(
  source: CheckedSource<S, M>,
  seed: number,
): Subject<S, M> {
  const make = typeof source === "function" ? source : () => source;
  const { schema, version } = new StateMachine(make());
  return {
    make: () => withoutSchema(make()),
    schema,
    version,
    world(setting) {
      const random = new Random(seed);
      return new World(setting, () => random.next());
    },
  };
}

function withoutSchema<S, M>(mutator: CheckedMutator<S, M>): CheckedMutator<S, M> {
  const { name, version, migrate } = mutator;
  const base = {
    initial: () => mutator.initial(),
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(migrate === undefined ? {} : { migrate }),
  };
  return "reduce" in mutator
    ? { ...base, reduce: (state, mutation, context) => mutator.reduce(state, mutation, context) }
    : { ...base, apply: (state, mutation, context) => mutator.apply(state, mutation, context) };
}
