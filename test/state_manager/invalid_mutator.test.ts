// Tests how invalid mutators are refused, and how refusals become part of the replayed history.

import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { InvalidStateError, MutationRejectedError, StateManager } from "@ministate/ministate";
import { assertFails, failureOf } from "../support/errors.ts";
import { journalName } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const initial = () => ({ value: 0 });
const apply = () => {};

interface Row {
  title: string;
  mutator: unknown;
  error: typeof TypeError | typeof RangeError;
  says: RegExp;
}

const rows: Row[] = [
  { title: "null", mutator: null, error: TypeError, says: /initial\(\) and apply\(\) or reduce/ },
  { title: "a function", mutator: apply, error: TypeError, says: /must be an object/ },
  { title: "without initial()", mutator: { apply }, error: TypeError, says: /initial\(\)/ },
  { title: "without apply()", mutator: { initial }, error: TypeError, says: /either apply/ },
  {
    title: "with both apply() and reduce()",
    mutator: { initial, apply, reduce: apply },
    error: TypeError,
    says: /either apply/,
  },
  {
    title: "of version 0",
    mutator: { initial, apply, version: 0 },
    error: RangeError,
    says: /whole number from 1, got 0/,
  },
  {
    title: "of version 1.5",
    mutator: { initial, apply, version: 1.5 },
    error: RangeError,
    says: /whole number from 1/,
  },
  {
    title: "of version 2^53",
    mutator: { initial, apply, version: 2 ** 53 },
    error: RangeError,
    says: /whole number from 1/,
  },
  {
    title: "with an empty name",
    mutator: { initial, apply, name: "" },
    error: RangeError,
    says: /1 to 128 characters/,
  },
  {
    title: "with a long name",
    mutator: { initial, apply, name: "n".repeat(129) },
    error: RangeError,
    says: /1 to 128 characters/,
  },
  {
    title: "with an invalid schema",
    mutator: { initial, apply, schema: { parse: () => 1 } },
    error: TypeError,
    says: /Standard Schema/,
  },
  {
    title: "with an invalid migrate",
    mutator: { initial, apply, migrate: () => 1 },
    error: TypeError,
    says: /migrate/,
  },
];

// deno-lint-ignore no-explicit-any -- wrong types are the point
const open = (directory: string, mutator: any) =>
  StateManager.open(directory, journalName, mutator);

for (const { title, mutator, error, says } of rows) {
  test(`StateManager.open() refuses a mutator when it is ${title}`, async () => {
    await using directory = await temporaryDirectory();
    await assertFails(() => open(directory.path, mutator), { error, says });
    // The lock was released.
    await using manager = await open(directory.path, { initial, apply });
    assertEquals(manager.sequence, 0);
  });
}

const badInitials: Record<string, () => unknown> = {
  "undefined": () => undefined,
  "a Map": () => new Map(),
  "a NaN inside": () => ({ celsius: [1, NaN] }),
  "a promise": () => Promise.resolve({}),
  "a cycle": () => {
    const state: { self?: unknown } = {};
    state.self = state;
    return state;
  },
};

for (const [what, initial] of Object.entries(badInitials)) {
  test(`StateManager.open() refuses the initial state when it is ${what}`, async () => {
    await using directory = await temporaryDirectory();
    await assertFails(() => open(directory.path, { initial, apply }), {
      error: InvalidStateError,
      code: "INVALID_STATE",
      says: /initial\(\).*keep only JSON/,
    });
  });
}

test("StateManager.open() copies the initial state when initial() gives the same object each time", async () => {
  await using one = await temporaryDirectory();
  await using two = await temporaryDirectory();
  const shared = { list: [] as number[] };
  const mutator = {
    initial: () => shared,
    apply: (state: typeof shared, mutation: number) => state.list.push(mutation),
  };
  await using first = await StateManager.open(one.path, journalName, mutator);
  await using second = await StateManager.open(two.path, journalName, mutator);
  await first.apply(1);
  assertEquals(first.snapshot(), { list: [1] });
  assertEquals(second.snapshot(), { list: [] });
  assertEquals(shared, { list: [] });
  assertEquals(await first.stateAt(0), { list: [] });
});

interface Throw {
  do: "throw" | "promise" | "add";
}

const thrown = new RangeError("not today");
const refusals: Record<string, { refuse: () => unknown; cause?: unknown }> = {
  "throws an error": {
    refuse: () => {
      throw thrown;
    },
    cause: thrown,
  },
  "throws a string": {
    refuse: () => {
      throw "not today";
    },
    cause: "not today",
  },
  "throws undefined": {
    refuse: () => {
      throw undefined;
    },
  },
  "throws a symbol": {
    refuse: () => {
      throw Symbol("not today");
    },
  },
  "throws an object that has no text": {
    refuse: () => {
      throw Object.create(null);
    },
  },
  "throws an error whose message throws": {
    refuse: () => {
      throw Object.defineProperty(new Error(), "message", {
        get: () => {
          throw new Error("hidden");
        },
      });
    },
  },
  "throws an object that can't be looked into": {
    refuse: () => {
      const hidden = () => {
        throw new Error("hidden");
      };
      throw new Proxy({}, new Proxy({}, { get: () => hidden }));
    },
  },
  "throws an error with too many causes to search": {
    refuse: () => {
      let error = new Error("not today");
      for (let i = 0; i < 100_000; i++) error = new Error("not today", { cause: error });
      throw error;
    },
  },
  "returns a promise": { refuse: () => Promise.resolve(1) },
  "returns a promise that rejects": { refuse: () => Promise.reject(new Error("late")) },
  "returns something with then()": { refuse: () => ({ then: () => {} }) },
};

for (const [what, { refuse, cause }] of Object.entries(refusals)) {
  for (const style of ["apply", "reduce"]) {
    test(`apply() rejects, and no replay asks again, when ${style}() ${what}`, async () => {
      await using directory = await temporaryDirectory();
      // A reducer runs before anything is written.
      const last = style === "apply" ? 3 : 2;
      let calls = 0;
      const mutator = {
        initial: () => ({ value: 0 }),
        [style](state: { value: number }, mutation: Throw) {
          calls++;
          if (mutation.do !== "add") return refuse();
          if (style === "reduce") return { value: state.value + 1 };
          return ++state.value;
        },
      };
      {
        await using manager = await open(directory.path, mutator);
        await manager.apply({ do: "add" });
        const error = await assertFails(() => manager.apply({ do: "throw" }), {
          error: MutationRejectedError,
          code: "REJECTED",
          says: style === "apply"
            ? /mutation 2.*keeps that it was refused/s
            : /nothing was journaled/,
        });
        assertEquals(error.sequence, style === "apply" ? 2 : null);
        if (cause !== undefined) assertStrictEquals(error.cause, cause);
        assertEquals(manager.snapshot(), { value: 1 });
        assertEquals((await manager.apply({ do: "add" })).sequence, last);
        assertEquals(await manager.stateAt(last - 1), { value: 1 });
      }
      calls = 0;
      await using manager = await open(directory.path, mutator);
      assertEquals(manager.snapshot(), { value: 2 });
      assertEquals(manager.sequence, last);
      assertEquals(calls, 2);
    });
  }
}

test("apply() rejects when reduce() returns undefined", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await open(directory.path, { initial, reduce: () => undefined });
  const error = await failureOf(() => manager.apply(1));
  assertInstanceOf(error, MutationRejectedError);
  assert(error.cause instanceof TypeError);
  assertEquals(manager.snapshot(), { value: 0 });
});
