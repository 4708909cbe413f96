// Tests what a draft leaves when its call ends (nothing that can write), and what it refuses to do.

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { Draft } from "../../src/state/draft.ts";
import { realOf } from "../../src/state/draft_unwrap.ts";

interface Part {
  n: number;
}

const make = () => ({ a: { n: 1 } as Part, list: [{ n: 2 }, { n: 3 }] as Part[] });
type State = ReturnType<typeof make> & Record<string, unknown>;
const draftOf = (state = make()) => ({ state, draft: new Draft(state as State) });

test("Draft passes states that are not objects on unchanged", () => {
  for (const state of [1, "x", null, true]) {
    const draft = new Draft(state);
    assertEquals(draft.root, state);
    assertEquals(draft.commit(state), state);
  }
});

for (const end of ["commit", "undo"] as const) {
  test(`Draft.${end}() ends writing to every part that was received, not reading`, () => {
    const { state, draft } = draftOf();
    const { root } = draft;
    const { a, list } = root;
    const [item] = list;
    a.n = end === "commit" ? 1 : 5;
    draft[end](null);
    const before = JSON.stringify(state);
    const writes: (() => unknown)[] = [
      () => a.n = 2,
      () => root.fresh = 1,
      () => item!.n++,
      () => delete (root as Partial<State>).a,
      () => list.push({ n: 1 }),
      () => list.pop(),
      () => list.shift(),
      () => list.unshift({ n: 1 }),
      () => list.splice(0, 1),
      () => list.sort(),
      () => list.sort((x, y) => x.n - y.n),
      () => list.reverse(),
      () => list.fill({ n: 1 }),
      () => list.copyWithin(0, 1),
      () => list.length = 0,
      () => Object.defineProperty(a, "n", { value: 2 }),
      () => list.at(-1)!.n = 3,
    ];
    for (const write of writes) {
      assertThrows(write, TypeError, "the call of apply() that received it has ended");
    }
    assertEquals(JSON.stringify(state), before);
    assertEquals(JSON.stringify(root), before);
    // A later call that is handed an old part stores the real one.
    const next = new Draft(state as State);
    next.root.again = a;
    next.commit(null);
    assertStrictEquals((state as State).again, state.a);
  });
}

class Receipt {
  readonly part: Part;
  constructor(part: Part) {
    this.part = part;
  }
  get other(): never {
    throw new Error("a getter was run");
  }
}

const results: Record<string, (root: State) => unknown> = {
  "itself": (root) => root.a,
  "in an object": (root) => ({ is: root.a }),
  "deep in objects and arrays": (root) => [{ x: [1, null, { is: root.a }] }],
  "in an object without a prototype": (root) => Object.assign(Object.create(null), { is: root.a }),
  "in a frozen object": (root) => Object.freeze({ other: 1, is: root.a, list: root.list }),
  "in a frozen array": (root) => Object.freeze([1, root.a, root.a]),
  "twice in one frozen object": (root) => {
    const frozen = Object.freeze({ is: root.a });
    const list = Object.freeze([root.a]);
    return [{ frozen, list }, { frozen, list }];
  },
  "in a map": (root) => new Map<unknown, unknown>([[root.a, 1], ["x", root.list]]),
  "in a set": (root) => new Set([1, root.a, { is: root.list }]),
  "in an instance of a class": (root) => new Receipt(root.a),
  "in an error": (root) => new Error("no", { cause: { is: root.a } }),
  "in several errors": (root) => new AggregateError([root.a, new Error("x", { cause: root.a })]),
  "under a symbol in an error": (root) =>
    Object.assign(new Error("no"), { [Symbol.for("is")]: root.a }),
  "in a cycle": (root) => {
    const cycle: Record<string, unknown> = { is: root.a };
    cycle.self = cycle;
    return cycle;
  },
};

/** Everything that a value holds, through every kind of object that the tests use. */
function partsOf(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== "object" || value === null || found.has(value)) return found;
  found.add(value);
  if (value instanceof Map || value instanceof Set) {
    [...value].forEach((each) => partsOf(each, found));
  }
  for (const member of Object.values(Object.getOwnPropertyDescriptors(value))) {
    partsOf(member.value, found);
  }
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    partsOf((value as Record<symbol, unknown>)[symbol], found);
  }
  return found;
}

for (const [name, result] of Object.entries(results)) {
  test(`Draft gives the real object for a part of the state ${name}`, () => {
    for (const end of ["commit", "undo"] as const) {
      const { state, draft } = draftOf();
      const got = draft[end](result(draft.root));
      const parts = partsOf(got);
      assert(parts.has(state.a), `${end}() lost the part`);
      for (const part of parts) assertEquals(realOf(part), undefined);
      if (name.startsWith("in a frozen")) assert(Object.isFrozen(got), "it is no longer frozen");
    }
  });
}

test("Draft returns results that hold no part of the state as they are", () => {
  for (
    const result of [undefined, 7, {}, [[{}]], new Map([[1, {}]]), new Set([{}]), new Uint8Array(3)]
  ) {
    assertStrictEquals(draftOf().draft.commit(result), result);
  }
});

test("Draft.commit() keeps a draft in a result that is too deep to search, and nothing can write by it", () => {
  const { state, draft } = draftOf();
  const { a } = draft.root;
  let result: object = { a };
  for (let depth = 0; depth < 100_000; depth++) result = { result };
  assertStrictEquals(draft.commit(result), result);
  assertThrows(() => a.n = 5, TypeError);
  assertEquals(state.a, { n: 1 });
});

test("Draft keeps a frozen object in the state as frozen as it is, and what it holds changeable", () => {
  const { state, draft } = draftOf();
  draft.root.kept = Object.freeze({ part: { n: 1 }, list: Object.freeze([{ n: 2 }, 3]) });
  draft.commit(null);
  const before = JSON.stringify(state);
  for (const end of ["undo", "commit"] as const) {
    const next = new Draft(state as State);
    const { kept } = next.root as unknown as { kept: { part: Part; list: [Part, number] } };
    assertStrictEquals(kept.part, kept.part);
    assertStrictEquals(Object.getOwnPropertyDescriptor(kept, "part")!.value, kept.part);
    assertStrictEquals(kept.list.find((item) => item === kept.list[0]), kept.list[0]);
    kept.part.n++;
    kept.list[0].n++;
    assertThrows(() => kept.part = { n: 9 }, TypeError);
    assertThrows(() => kept.list.push(1), TypeError);
    assertThrows(() => kept.list.sort(), TypeError);
    assertThrows(() => delete (kept as { part?: Part }).part, TypeError);
    next.root.moved = kept;
    const result = next[end](kept);
    assertStrictEquals(result, (state as State).kept);
    if (end === "undo") assertEquals(JSON.stringify(state), before);
  }
  assertStrictEquals((state as State).moved, (state as State).kept);
  assertEquals(JSON.stringify((state as State).kept), '{"part":{"n":2},"list":[{"n":3},3]}');
});

test("Draft hides what is deleted from an object without a prototype", () => {
  const { state, draft } = draftOf();
  draft.root.bag = Object.assign(Object.create(null), { x: 1, y: 2 });
  draft.commit(null);
  const next = new Draft(state as State);
  const bag = next.root.bag as { x?: number };
  delete bag.x;
  assertEquals([bag.x, "x" in bag, Object.keys(bag)], [undefined, false, ["y"]]);
  next.commit(null);
  assertEquals(Object.keys((state as State).bag as object), ["y"]);
});

test("Draft changes nothing of what is sealed or can't grow: nothing could put back what is deleted", () => {
  for (const fix of [Object.preventExtensions, Object.seal, Object.freeze]) {
    const { state, draft } = draftOf();
    draft.root.bag = fix({ x: 1, y: { n: 2 } });
    draft.root.row = fix([1, 2, 3]);
    draft.commit(null);
    const before = JSON.stringify(state);
    const { root } = new Draft(state as State);
    const { bag, row } = root as unknown as { bag: Record<string, unknown>; row: number[] };
    const writes = [
      () => bag.x = 2,
      () => delete bag.x,
      () => Object.defineProperty(bag, "x", { value: 2 }),
      () => row[0] = 2,
      () => row.pop(),
      () => row.sort((a, b) => b - a),
      () => row.length = 0,
    ];
    for (const write of writes) {
      assertThrows(write, TypeError, "frozen, sealed or non-extensible part of the state");
    }
    assertEquals(JSON.stringify(root), before);
    assertEquals(JSON.stringify(state), before);
  }
});

test("Draft changes nothing of a state that the program froze as a whole, and what it did below is taken back", () => {
  for (const fix of [Object.preventExtensions, Object.seal, Object.freeze]) {
    const { state } = draftOf();
    const before = JSON.stringify(fix(state));
    const writes: ((root: State) => unknown)[] = [
      (root) => root.added = 1,
      (root) => delete (root as { list?: unknown }).list,
      (root) => Object.defineProperty(root, "added", { value: 1 }),
      (root) => {
        delete (root.list as unknown[] as { 0?: unknown })[0];
        root.a = { n: 9 };
        throw new TypeError("refused");
      },
    ];
    for (const write of writes) {
      const draft = new Draft(state);
      draft.undo(assertThrows(() => write(draft.root), TypeError));
      assertEquals(JSON.stringify(state), before);
    }
  }
});

test("Draft.commit() refuses a frozen object that holds a part of the state, and can be undone", () => {
  const { state, draft } = draftOf();
  const before = JSON.stringify(state);
  const kept = Object.freeze({ is: draft.root.a });
  draft.root.kept = kept;
  const error = assertThrows(() => draft.commit(kept), TypeError, "frozen object");
  assertStrictEquals(draft.undo(error), error);
  assertEquals(JSON.stringify(state), before);
});

const refused: Record<string, (root: State) => unknown> = {
  "Object.freeze": (root) => Object.freeze(root.a),
  "Object.seal": (root) => Object.seal(root.list),
  "Object.setPrototypeOf": (root) => Object.setPrototypeOf(root.a, null),
  "a prototype by assignment": (root) => (root.a as { __proto__?: unknown }).__proto__ = {},
  "a getter": (root) => Object.defineProperty(root.a, "n", { get: () => 1 }),
  "a read-only member": (root) => Object.defineProperty(root.a, "n", { writable: false }),
  "a hidden member": (root) => Object.defineProperty(root.a, "m", { value: 1 }),
  "a read-only length": (root) => Object.defineProperty(root.list, "length", { writable: false }),
};

for (const [name, change] of Object.entries(refused)) {
  test(`Draft refuses ${name} and says why`, () => {
    const { state, draft } = draftOf();
    const before = JSON.stringify(state);
    assertThrows(() => change(draft.root), TypeError, "the state is JSON data");
    draft.commit(null);
    assertEquals(JSON.stringify(state), before);
    assertStrictEquals(Object.getPrototypeOf(state.a), Object.prototype);
  });
}

test("Draft refuses what arrays refuse, in the same way", () => {
  const { draft } = draftOf();
  const { list } = draft.root;
  assertThrows(() => list.length = -1, RangeError);
  assertThrows(() => list.find(null as never), TypeError);
  assertThrows(() => list.sort(null as never), TypeError);
  assertThrows(() => delete (list as { length?: number }).length, TypeError);
  assertEquals(draft.root.list.length, 2);
});

test("Draft.undo() explains why structuredClone() of a part fails", () => {
  const { draft } = draftOf();
  const thrown = assertThrows(() => structuredClone(draft.root.a));
  const explained = draft.undo(thrown) as Error;
  assert(explained instanceof TypeError);
  assert(
    explained.message.includes("copy a part of the state through JSON text"),
    explained.message,
  );
  assertStrictEquals(explained.cause, thrown);
});

test("Draft.undo() restores an array of more items than a call can have arguments", () => {
  const state = { list: Array.from({ length: 300_000 }, (_, i) => i) };
  const before = JSON.stringify(state);
  const draft = new Draft(state);
  draft.root.list.splice(0, 200_000);
  draft.root.list.sort((a, b) => b - a);
  draft.undo(null);
  assert(JSON.stringify(state) === before, "it differs");
});
