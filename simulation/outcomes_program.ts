/**
 * The program whose mutations a history of outcomes journals, and which changes from start to start: what it accepts,
 * written once as the mutator that runs and once as the rule that the model asks.
 *
 * @module
 */

import { DROP, type Mutator, type Reducer } from "@ministate/ministate";

/** A purse: what is in it, and which mutations changed it. */
export interface Purse {
  /** The version that made or migrated the state. */
  v: number;
  n: number;
  ids: number[];
  /** The sequence that the mutator received with each. */
  sequences: number[];
  last?: { id: number; by: number };
}

/** A mutation, made long by `pad` where segments should fill. */
export interface By {
  id: number;
  by: number;
  pad?: string;
}

/**
 * Where a program refuses. `late`: in `apply`, after it has changed the state. `checked`: in `check`. `careless`: in
 * `check`, but `apply` also refuses what is exactly at the limit. `reducer`: in `reduce`.
 */
export type Style = "late" | "checked" | "careless" | "reducer";

/** What an update does with older mutations that are over its limit. */
export type Carry = "keep" | "clamp" | "drop";

/** One program. */
export interface Program {
  style: Style;
  /** The largest step. */
  limit: number;
  /** The least that the purse may hold: whether a step is refused depends on those before it. */
  floor: number;
  version: number;
  carry: Carry;
  /** What each step adds beside its own amount: another effect of the same mutations. */
  gain: number;
}

/** The first one. */
export const FIRST: Program = {
  style: "late",
  limit: 5,
  floor: -5,
  version: 1,
  carry: "keep",
  gain: 0,
};

/** What a program makes of a mutation: accepted, or refused before or after it began to change the state. */
export type Judgement = "accepted" | "early" | "late";

/** What a live call comes to. */
export function judge({ style, limit, floor }: Program, n: number, by: number): Judgement {
  if (by > limit || n + by < floor) return style === "late" ? "late" : "early";
  return style === "careless" && by === limit ? "late" : "accepted";
}

/** Whether a replay meets a refusal: `check` is not asked again. */
export function refusesAgain({ style, limit, floor }: Program, n: number, by: number): boolean {
  if (style === "checked") return false;
  if (style === "careless") return by === limit;
  return by > limit || n + by < floor;
}

/** What an update makes of a mutation of an older version; `null` when it drops it. */
export function carried({ carry, limit }: Program, mutation: By): By | null {
  if (mutation.by <= limit || carry === "keep") return mutation;
  return carry === "drop" ? null : { ...mutation, by: limit };
}

/** The state before the first mutation. */
export function emptyPurse({ version }: Program): Purse {
  return { v: version, n: 0, ids: [], sequences: [] };
}

/** The state after a mutation; for the model, it is a new one. */
export function after({ gain }: Program, state: Purse, { id, by }: By, sequence: number): Purse {
  const { v, n, ids, sequences } = state;
  return {
    v,
    n: n + by + gain,
    ids: [...ids, id],
    sequences: [...sequences, sequence],
    last: { id, by },
  };
}

const over = (by: number) => new RangeError(`${by} is refused`);

/** The mutator that runs. */
export function mutatorOf(
  program: Program,
): Mutator<Purse, By, number> | Reducer<Purse, By> {
  const { style, version } = program;
  const common = {
    name: "purse",
    version,
    initial: () => emptyPurse(program),
    migrate: {
      state: (old: unknown) => ({ ...old as Purse, v: version }),
      mutation: (old: unknown) => carried(program, old as By) ?? DROP,
    },
  };
  const apply = (state: Purse, { id, by }: By, sequence: number, isRefused: boolean) => {
    state.ids.push(id);
    state.last = { id, by };
    state.n += by + program.gain;
    state.sequences.push(sequence);
    if (isRefused) throw over(by);
    return state.n;
  };
  if (style === "reducer") {
    return {
      ...common,
      reduce(state, mutation, { sequence }) {
        if (judge(program, state.n, mutation.by) !== "accepted") throw over(mutation.by);
        return after(program, state, mutation, sequence);
      },
    };
  }
  if (style === "late") {
    return {
      ...common,
      apply: (state, mutation, { sequence }) =>
        apply(state, mutation, sequence, refusesAgain(program, state.n, mutation.by)),
    };
  }
  return {
    ...common,
    check({ n }, { by }) {
      if (judge(program, n, by) === "early") throw over(by);
    },
    apply: (state, mutation, { sequence }) =>
      apply(state, mutation, sequence, refusesAgain(program, state.n, mutation.by)),
  };
}
