// Tests what types a program gets from its mutator. They are checked by the compiler, also with
// exactOptionalPropertyTypes, and never run.

import { StateManager } from "@ministate/ministate";
import type { Applied, DeepReadonly, JsonOf, Mutator, Reducer } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { checkMutator } from "@ministate/ministate/testing";
import { type Equal, holds } from "./equal.ts";

const open = <T>(opening: Promise<T>): T => opening as never;

interface Session {
  id: string;
  user?: { name: string; roles: string[] };
  seen: [first: number, last?: number];
}
interface Sessions {
  byId: Record<string, Session>;
  latest: Session | null;
}
type Change = { open: Session } | { close: string } | { touch: string; at?: number };

// A plain object needs no annotation but those of its parameters.
const counter = {
  initial: () => ({ value: 0 }),
  apply(state: { value: number }, mutation: { by: number }) {
    state.value += mutation.by;
    return state.value;
  },
};
const counting = open(StateManager.open("state", "c.wal.jsonl", counter));
holds<Equal<typeof counting, StateManager<{ value: number }, { by: number }, number>>>();

const sessions = {
  name: "sessions",
  version: 2,
  migrate: { state: (old: unknown) => old as Sessions },
  initial: (): Sessions => ({ byId: {}, latest: null }),
  apply(state: Sessions, change: Change, { timestamp }: { timestamp: number }): Session | null {
    if ("open" in change) {
      state.latest = state.byId[change.open.id] = { ...change.open, seen: [timestamp] };
    } else if ("close" in change) delete state.byId[change.close];
    return state.latest;
  },
};
const kept = open(StateManager.open("state", "s.wal.jsonl", sessions));
holds<Equal<typeof kept, StateManager<Sessions, Change, DeepReadonly<Session> | null>>>();

// Numbers, strings and arrays as states: a literal in initial() is not taken for the whole type.
const sum = open(
  StateManager.open("state", "n.wal.jsonl", {
    initial: () => 0,
    reduce: (state: number, { by }: { by: number }) => state + by,
  }),
);
holds<Equal<typeof sum, StateManager<number, { by: number }, number>>>();
const lines = open(
  StateManager.open("state", "l.wal.jsonl", {
    initial: () => [] as string[],
    apply: (state: string[], line: string) => state.push(line),
  }),
);
holds<Equal<typeof lines, StateManager<string[], string, number>>>();
const switched = open(
  StateManager.open("state", "m.wal.jsonl", {
    initial: () => ({ mode: "on" as "on" | "off" }),
    apply: (state: { mode: "on" | "off" }, mode: "on" | "off") => void (state.mode = mode),
  }),
);
holds<Equal<typeof switched, StateManager<{ mode: "on" | "off" }, "on" | "off", undefined>>>();
const noMutation = open(
  StateManager.open("state", "t.wal.jsonl", {
    initial: () => ({ count: 0 }),
    apply: (state: { count: number }) => ++state.count,
  }),
);
holds<Equal<typeof noMutation, StateManager<{ count: number }, unknown, number>>>();

// A reducer's result is its state.
const reducer: Reducer<Sessions, Change> = {
  initial: () => ({ byId: {}, latest: null }),
  reduce: (state, change) => "close" in change ? { ...state, latest: null } : state,
};
const reduced = open(StateManager.open("state", "r.wal.jsonl", reducer));
holds<Equal<typeof reduced, StateManager<Sessions, Change, DeepReadonly<Sessions>>>>();
export const applying = () => reduced.apply({ close: "a" });
holds<
  Equal<ReturnType<typeof applying>, Promise<Applied<DeepReadonly<Sessions>>>>
>();
export const annotated: StateManager<Sessions, Change> = reduced;
export const explicit = StateManager.open<Sessions, Change>("state", "r.wal.jsonl", reducer);
const inPlace: Mutator<Sessions, Change, number> = { ...reducer, apply: () => 1 };
export const explicitToo = StateManager.open<Sessions, Change>("state", "r.wal.jsonl", inPlace);

// State and results are read-only to the bottom.
export async function readOnly() {
  const { result } = await kept.apply({ close: "a" });
  holds<Equal<typeof result, DeepReadonly<Session> | null>>();
  // @ts-expect-error -- part of the live state
  result!.id = "b";
  // @ts-expect-error -- part of the live state
  result!.user!.roles.push("admin");
  // @ts-expect-error -- part of the live state
  kept.state.byId["a"]!.seen[0] = 1;
  const [first] = await kept.applyAll([{ close: "a" }]);
  // @ts-expect-error -- part of the live state
  first!.result!.seen = [1];
  kept.snapshot().byId["a"]!.seen[0] = 1; // a copy
  (await kept.stateAt(1)).latest = null; // a copy
}
holds<Equal<DeepReadonly<unknown>, unknown>>();
// deno-lint-ignore no-explicit-any -- it must stay so
holds<Equal<DeepReadonly<any>, any>>();
holds<Equal<DeepReadonly<string | 1 | null | undefined>, string | 1 | null | undefined>>();
holds<Equal<DeepReadonly<[number, string?]>, readonly [number, string?]>>();
holds<Equal<DeepReadonly<{ a?: number[] }>, { readonly a?: readonly number[] }>>();
holds<Equal<DeepReadonly<{ f: (a: string) => void }>, { readonly f: (a: string) => void }>>();
holds<Equal<DeepReadonly<readonly { a: 1 }[]>, readonly { readonly a: 1 }[]>>();
type Id = string & { readonly __brand: "id" };
holds<Equal<DeepReadonly<{ id: Id }>, { readonly id: Id }>>();

// A generic class repeats the constraint.
interface Item {
  id: string;
  tags?: string[];
}
export class Repository<T extends Item & JsonOf<T>> {
  readonly #manager: StateManager<Record<string, T>, { put: T } | { remove: string }, boolean>;

  private constructor(
    manager: StateManager<Record<string, T>, { put: T } | { remove: string }, boolean>,
  ) {
    this.#manager = manager;
  }

  static async open<T extends Item & JsonOf<T>>(directory: string): Promise<Repository<T>> {
    const manager = await StateManager.open(directory, "items.wal.jsonl", {
      initial: (): Record<string, T> => ({}),
      apply(state: Record<string, T>, change: { put: T } | { remove: string }): boolean {
        if ("remove" in change) return delete state[change.remove];
        state[change.put.id] = change.put;
        return true;
      },
    });
    return new Repository(manager);
  }

  async put(item: T): Promise<boolean> {
    return (await this.#manager.apply({ put: item })).result;
  }
}
interface Lamp extends Item {
  on: boolean;
  parts: Lamp[];
}
export type Lamps = Repository<Lamp>;
// @ts-expect-error -- its items are not JSON
export type Dates = Repository<Lamp & { at: Date }>;

// What is not JSON is refused, wherever it is passed in.
interface Dated {
  at: Date;
}
const dated = { initial: (): Dated => ({ at: new Date(0) }), apply: (_: Dated, _m: null) => {} };
// @ts-expect-error -- a Date in the state
export const badState = () => StateManager.open("state", "d.wal.jsonl", dated);
export const badMutation = () =>
  StateManager.open("state", "d.wal.jsonl", {
    initial: () => 0,
    // @ts-expect-error -- a bigint in the mutations
    apply: (_: number, _m: { big: bigint }) => {},
  });
export const badReducer = () =>
  StateManager.open("state", "d.wal.jsonl", {
    // @ts-expect-error -- a Map as the state
    initial: () => new Map<string, number>(),
    // @ts-expect-error -- a Map as the state
    reduce: (state: Map<string, number>, _: null) => state,
  });
// @ts-expect-error -- a Date in the state
export const badCheck = () => checkMutator(dated, { generate: () => null });
// @ts-expect-error -- a Date in the mutations
export const badJournal = () => Journal.open<Dated>("state", "d.wal.jsonl");
// @ts-expect-error -- a Date in the states
export const badStore = () => SnapshotStore.open<Dated>("state", "d.wal.jsonl");
export const journal = () => Journal.open<Change>("state", "d.wal.jsonl");
export const anyJournal = () => Journal.open("state", "d.wal.jsonl");
export const store = () => SnapshotStore.open<Sessions>("state", "d.wal.jsonl");
export const loose = StateManager.open("state", "u.wal.jsonl", {
  initial: (): unknown => ({}),
  apply: (_: unknown, mutation: unknown) => mutation,
});
