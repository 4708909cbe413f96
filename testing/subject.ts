/**
 * The mutator that is checked: made anew for every run where that is possible, and without its schema, which is asked
 * before a mutation is journaled and not on a replay.
 *
 * @module
 */

import { type Mutator, type Reducer, StateMachine } from "../src/state/mutator.ts";
import type { StandardSchema } from "../src/state/standard_schema.ts";
import type { RandomSource, Simulator } from "./simulator.ts";
import { type Place, World } from "./world/world.ts";

/** A mutator in either style. */
export type AnyMutator<S, M> = Mutator<S, M> | Reducer<S, M>;

/**
 * A mutator, or a function that makes one. A process that starts again begins with empty variables; only with a
 * function can a check do so, too.
 */
export type MutatorSource<S, M> = AnyMutator<S, M> | (() => AnyMutator<S, M>);

/** What is checked. */
export interface Subject<S, M> {
  /** A mutator for one run. */
  make(): AnyMutator<S, M>;
  /** What mutations are validated with before they are journaled. */
  readonly schema: StandardSchema<unknown, M> | undefined;
  readonly version: number;
  /** A place to run it in, for one run. Its random numbers depend on the seed alone. */
  world(place: Place): World;
}

/**
 * Looks at a mutator, or at the first one that is made.
 *
 * @throws {TypeError} when it is no mutator
 */
export function subjectOf<S, M>(
  source: MutatorSource<S, M>,
  simulator: Simulator,
  seed: number,
): Subject<S, M> {
  const make = typeof source === "function" ? source : () => source;
  const { schema, version } = new StateMachine(make());
  return {
    make: () => withoutSchema(make()),
    schema,
    version,
    world(place) {
      const random: RandomSource = simulator.random(seed);
      return new World(place, () => random.next());
    },
  };
}

function withoutSchema<S, M>(mutator: AnyMutator<S, M>): AnyMutator<S, M> {
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
