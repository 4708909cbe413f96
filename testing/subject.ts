/**
 * The mutator being checked. It is created again for every run where possible, and without its schema, which runs
 * before a mutation is journaled and not on a replay.
 *
 * @module
 */

import type { JsonOf } from "../src/format/json_types.ts";
import type { Mutator, Reducer, RunnableMutator, RunnableReducer } from "../src/state/types.ts";
import { IN_PLACE } from "../src/state/types.ts";
import { copyJson } from "../src/format/json.ts";
import type { StandardSchema } from "../src/state/standard_schema.ts";
import { StateMachine } from "../src/state/state_machine.ts";
import { firstDifference } from "./difference.ts";
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
  const { schema, version } = new StateMachine(make()).begin();
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
  if (IN_PLACE in mutator) return { ...mutator, ...base };
  return "reduce" in mutator ? { ...base, reduce: untouching(mutator) } : {
    ...base,
    ...(mutator.check === undefined ? {} : {
      check: (state, mutation, context) => mutator.check!(state, mutation, context),
    }),
    apply: (state, mutation, context) => mutator.apply(state, mutation, context),
  };
}

/** A reducer changed the state that it received. */
export class TouchedState extends Error {}

/** Gives the reducer a state of its own: the manager's is frozen, and the reducer would only be refused. */
function untouching<S, M>(reducer: RunnableReducer<S, M>): RunnableReducer<S, M>["reduce"] {
  return (state, mutation, context) => {
    const own = copyJson(state) as S;
    const next = reducer.reduce(own, mutation, context);
    const touched = firstDifference(state, own);
    if (touched !== null) throw new TouchedState(touched);
    return next;
  };
}
