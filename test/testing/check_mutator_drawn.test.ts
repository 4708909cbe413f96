// Tests the check that users run on their own mutators: it raises no false alarm, and every result has a seed.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  type AnyMutator,
  checkMutator,
  MutatorCheckError,
  type Random,
  type SchemaResult,
  type StandardSchema,
} from "../../testing.ts";

interface Move {
  by: number;
  note: string;
}

type Sum = { sum: number; notes: string[] };

const generate = (random: Random): Move => ({ by: random.below(5), note: "n" });
const few = { historyCount: 1, mutationCount: 5 };

function schema<T>(check: (value: unknown) => SchemaResult<T>): StandardSchema<unknown, T> {
  return { "~standard": { version: 1, vendor: "test", validate: check } };
}

const sums: AnyMutator<Sum, Move> = {
  initial: () => ({ sum: 0, notes: [] }),
  apply(state, { by, note }) {
    if (typeof by !== "number") throw new TypeError("not a number");
    state.sum += by;
    state.notes.push(note);
    return state.sum;
  },
};

const coercing = schema<Move>((value) => {
  const { by, note = "none" } = value as { by: unknown; note?: string };
  return { value: { by: Number(by), note } };
});

test("checkMutator() passes a mutator whose schema coerces and fills in what is missing", async () => {
  const raw = (random: Random) => ({ by: String(random.below(5)) }) as unknown as Move;
  const mutator = { ...sums, schema: coercing };
  const report = await checkMutator(mutator, { ...few, generate: raw });
  assertEquals(report.rejected, 0);
  assert(report.crashStates > 0);
});

test("checkMutator() passes schemas that change their input, stamp the time, or refuse their own output", async () => {
  let stamps = 0;
  const inPlace = schema<Move>((value) => {
    const move = value as Move;
    move.by += 1;
    return { value: move };
  });
  const stamping = schema<Move>((value) => ({
    value: { ...value as Move, note: `${++stamps} ${Date.now()} ${Math.random()}` },
  }));
  const once = schema<Move>((value) =>
    typeof value === "string"
      ? { value: { by: Number(value), note: value } }
      : { issues: [{ message: "a text is wanted" }] }
  );
  const text = (random: Random) => String(random.below(9)) as unknown as Move;
  for (const [given, make] of [[inPlace, generate], [stamping, generate], [once, text]] as const) {
    const older = [{
      mutator: { ...sums, schema: given } as AnyMutator<unknown, unknown>,
      generate: make,
    }];
    const mutator = { ...sums, schema: given, version: 2, migrate: {} };
    await checkMutator(mutator, { ...few, generate: make, older });
  }
});

test("checkMutator() passes what a schema turns into JSON", async () => {
  const dates = schema<Move>((value) => ({
    value: {
      by: Number((value as { n: bigint }).n),
      note: (value as { at: Date }).at.toISOString(),
    },
  }));
  const make = (random: Random) =>
    ({
      n: BigInt(random.below(9)),
      at: new Date(random.below(1e9)),
      call: () => 1,
    }) as unknown as Move;
  await checkMutator({ ...sums, schema: dates }, { ...few, generate: make });
  // In a message, too.
  const bad = { ...sums, schema: dates, apply: () => Math.random() };
  const error = await assertRejects(
    () => checkMutator(bad, { ...few, generate: make, seed: 4 }),
    MutatorCheckError,
  );
  assert(/"n":"\dn"/.test(error.message), error.message);
});

function cyclic(): unknown {
  const mutation: Record<string, unknown> = { by: 1 };
  return Object.assign(mutation, { note: mutation });
}

test("checkMutator() ends with the seed and the mutation when it could not be journaled", async () => {
  const even = schema<Move>((value) =>
    (value as Move).by === 3 ? { issues: [{ message: "not three" }] } : { value: value as Move }
  );
  const bad: [AnyMutator<Sum, Move>, (random: Random) => unknown, string][] = [
    [{ ...sums, schema: even }, generate, "not three"],
    [sums, () => ({ by: undefined }), "$.by is undefined"],
    [sums, () => 12n, "a bigint"],
    [sums, () => () => 1, "a function"],
    [sums, cyclic, "The mutation: a value that is not JSON"],
  ];
  for (const [mutator, make, text] of bad) {
    const error = await assertRejects(() =>
      checkMutator(mutator, { generate: make as () => Move, seed: 99, mutationCount: 40 })
    ) as Error & { code?: string; issues: unknown[] };
    assertEquals(error.code, "INVALID_MUTATION");
    assertEquals(error.issues.length, text === "not three" ? 1 : 0);
    assert(error.message.includes("seed 99"), error.message);
    assert(error.message.includes(text), error.message);
    assert(error.cause instanceof Error);
  }
});

test("checkMutator() ends with the seed when generate() or an asynchronous schema throws", async () => {
  const pending = {
    "~standard": { version: 1, vendor: "test", validate: () => Promise.resolve() },
  };
  const failing = () => {
    throw new Error("no idea");
  };
  const bad: [AnyMutator<Sum, Move>, () => Move][] = [
    [{ ...sums, schema: pending as never }, () => ({ by: 1, note: "" })],
    [sums, failing],
  ];
  for (const [mutator, make] of bad) {
    const error = await assertRejects(() => checkMutator(mutator, { generate: make, seed: 98 }));
    assert((error as Error).message.includes("mutation 1 of seed 98"), String(error));
  }
});

test("checkMutator() ends with the seed when a mutation is larger than any record", async () => {
  const note = "x".repeat(1024 * 1024);
  const large = (count: number) => () => ({ by: 1, note: note.repeat(count) });
  const long: AnyMutator<number, Move> = { initial: () => 0, reduce: (sum, { by }) => sum + by };
  await checkMutator(long, { generate: large(2), historyCount: 1, mutationCount: 1, imagesMax: 1 });
  const error = await assertRejects(() =>
    checkMutator(long, { generate: large(200), mutationCount: 1, seed: 97 })
  ) as Error & { code?: string };
  assertEquals(error.code, "TOO_LARGE");
  assert(error.message.includes("seed 97"), error.message.slice(0, 200));
});

const node: { name: string; children: unknown[] } = { name: "root", children: [] };
node.children.push(node, { parent: node });

/** Everything points to everything: to follow every path through it would take forever. */
const web = Array.from({ length: 40 }, () => ({ links: [] as unknown[] }));
for (const from of web) from.links.push(...web);

let ladder: unknown[] = [];
for (let step = 0; step < 60; step++) ladder = [ladder, ladder];

let deep: unknown = 1;
for (let level = 0; level < 20_000; level++) deep = [deep];

const results: [name: string, give: (sum: number) => unknown][] = [
  ["a BigInt", (sum) => BigInt(sum)],
  ["an object with a BigInt", (sum) => ({ sum: BigInt(sum), list: [1n] })],
  ["a cycle", () => node],
  ["a web of objects", () => web],
  ["a list in which everything is shared", () => ladder],
  ["something very deep", () => deep],
  ["a function", () => () => Math.random()],
  ["a symbol", () => Symbol("once")],
  ["what is not JSON", () => [NaN, -0, undefined, Infinity, { a: undefined }]],
  ["an object with a hidden clock", () =>
    new (class {
      #at = Date.now();
      get = () => this.#at;
    })()],
  ["a Map and a Date of the epoch", () => ({ map: new Map([[1, 2]]), date: new Date(0) })],
  ["a getter that throws", () => ({
    get broken() {
      throw new Error("closed");
    },
  })],
];

for (const [name, give] of results) {
  test(`checkMutator() passes a mutator that returns ${name}`, async () => {
    const mutator: AnyMutator<Sum, Move> = {
      initial: () => ({ sum: 0, notes: [] }),
      apply: (state, { by }) => give(state.sum += by),
    };
    const report = await checkMutator(mutator, { ...few, generate });
    assertEquals(report.rejected, 0);
  });
}

test("checkMutator() compares BigInts and what is in cycles, and says what differs", async () => {
  let calls = 0;
  const looped = (count: number) => {
    const loop: Record<string, unknown> = { count };
    loop.self = loop;
    return loop;
  };
  const rows: [() => unknown, string][] = [
    [() => BigInt(++calls), "mutation 1 returns something else: the result was 2n and is "],
    [() => looped(++calls), "the result.count was"],
    [() => ({ [`k${++calls}`]: 1 }), "and is missing"],
    [() => calls++ <= 1 ? {} : { more: 1 }, "the result.more was missing and is 1"],
  ];
  for (const [give, text] of rows) {
    calls = 0;
    const mutator: AnyMutator<Sum, Move> = { ...sums, apply: give } as AnyMutator<Sum, Move>;
    const error = await assertRejects(
      () => checkMutator(mutator, { generate, mutationCount: 1 }),
      MutatorCheckError,
    );
    assert(error.message.includes(text), error.message);
  }
});

test("checkMutator() says whether a mutation is refused, and why, when that differs", async () => {
  const throwIf = (isBad: boolean, text = "bad day") => {
    if (isBad) throw new Error(text);
  };
  const rows: [() => void, string][] = [
    [
      () => throwIf(Date.now() > Date.UTC(2030, 0, 1)),
      "mutation 1 is refused, and was not before (bad day)",
    ],
    [() => throwIf(Date.now() < Date.UTC(2030, 0, 1)), "is not refused, and was before (bad day)"],
    [
      () => throwIf(true, `${new Date(0).getHours()}`),
      `is refused with a different message: it was "5"`,
    ],
  ];
  for (const [apply, text] of rows) {
    const mutator = { initial: () => ({}), apply };
    const error = await assertRejects(
      () => checkMutator(mutator, { generate, mutationCount: 2 }),
      MutatorCheckError,
    );
    assertEquals(error.rule, "deterministic");
    assert(error.message.includes(text), error.message);
  }
});

test("checkMutator() passes a state with a negative zero, which JSON turns into zero", async () => {
  const mutator: AnyMutator<Sum, Move> = {
    initial: () => ({ sum: -0, notes: [] }),
    apply: (state, { by }) => void (state.sum = by * -1 * 0),
  };
  await checkMutator(mutator, { ...few, generate: () => ({ by: -0, note: "" }) });
});

test("checkMutator() finds a state of which no snapshot can be written, with the seed", async () => {
  // Deeper at every mutation, until a snapshot has no room for it.
  type Nested = { inner?: Nested };
  const mutator: AnyMutator<Nested, Move> = {
    initial: () => ({}),
    reduce: (state, { note }) => note === "" ? state : JSON.parse(note) as Nested,
  };
  const deepest = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  const error = await assertRejects(
    () => checkMutator(mutator, { generate: () => ({ by: 0, note: deepest(1100) }), seed: 96 }),
    MutatorCheckError,
  );
  assert(error.message.includes("seed 96"), error.message.slice(0, 300));
});
