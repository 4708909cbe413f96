// Tests that snapshot lines give back the state they were made from, whatever is in it.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { InvalidStateError, StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { DEPTH_MAX, SNAPSHOT_LINE_WEIGHT, STATE_DEPTH_MAX } from "../../src/format/format.ts";
import { StateBuilder } from "../../src/format/snapshot_decode.ts";
import { encodeState } from "../../src/format/snapshot_encode.ts";
import { Random, testSeed } from "../support/random.ts";
import { drawJson, drawObject } from "../support/random_json.ts";

const ROUNDS = 2000;

function rebuilt(state: unknown): { state: unknown; lines: string[] } {
  const builder = new StateBuilder();
  const lines = [...encodeState(state)];
  for (const line of lines) {
    assert(!line.includes("\n"), "a line holds a line feed");
    JSON.parse(line);
    assert(builder.add(line), `refused: ${line.slice(0, 100)}`);
  }
  assert(builder.complete);
  return { state: builder.state, lines };
}

/** Compared as text: it shows the order of members and never compares a prototype. */
function assertSame(state: unknown): string[] {
  const { state: found, lines } = rebuilt(state);
  assertEquals(JSON.stringify(found), JSON.stringify(state));
  return lines;
}

test("StateBuilder gives back any state that encodeState() took apart", () => {
  const seed = testSeed("snapshot lines");
  for (let round = 0; round < ROUNDS; round++) {
    assertSame(drawJson(new Random(seed + round)));
  }
});

const full = "x".repeat(SNAPSHOT_LINE_WEIGHT);
const items = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ i, text: `item ${i}` }));
const own = (text: string) => JSON.parse(text);

const rows: { name: string; state: unknown; linesMin?: number }[] = [
  { name: "null", state: null },
  { name: "an empty object", state: {} },
  { name: "an empty array", state: [] },
  { name: "empty containers in containers", state: { a: {}, b: [], c: [[], {}, [[]]] } },
  { name: "an array that takes many lines", state: items(40_000), linesMin: 5 },
  { name: "an object that takes many lines", state: { list: items(20_000), rest: 1 }, linesMin: 3 },
  { name: "strings longer than a line", state: [full, { full }, full], linesMin: 3 },
  { name: "a long string beside empty containers", state: { a: [], full, b: {} }, linesMin: 2 },
  {
    name: "an array of arrays that each take a line",
    state: [items(9000), items(9000)],
    linesMin: 4,
  },
  { name: "members named like numbers", state: { 10: full, 2: full, 1: full, z: 0 }, linesMin: 4 },
  { name: "__proto__ in a short line", state: own('{"__proto__":{"a":1},"b":2}') },
  {
    name: "__proto__ over many lines",
    state: own(`{"__proto__":{"a":"${full}","b":1},"c":[]}`),
    linesMin: 3,
  },
  {
    name: "__proto__ within __proto__",
    state: own(`{"__proto__":{"__proto__":["${full}",1]}}`),
    linesMin: 2,
  },
  {
    name: "a key longer than a line",
    state: { [full]: 1, [`${full}2`]: { a: full } },
    linesMin: 3,
  },
  // As entries: the linter thinks that all halves of surrogate pairs are the same key.
  {
    name: "lone surrogates as keys and values",
    state: Object.fromEntries([["\ud800", "\udfff"], ["\udfff", full]]),
  },
  {
    name: "a million small numbers",
    state: Array.from({ length: 1_000_000 }, (_, i) => i % 7),
    linesMin: 10,
  },
];

for (const { name, state, linesMin = 1 } of rows) {
  test(`encodeState() round-trips ${name}`, () => {
    const lines = assertSame(state);
    assert(lines.length >= linesMin, `${lines.length} lines`);
  });
}

test("encodeState() keeps lines bounded when the state is large", () => {
  const lines = [...encodeState({ a: items(50_000), b: drawObject(new Random(1), 50) })];
  const longest = Math.max(...lines.map((line) => line.length));
  // The weight counts characters and nodes; brackets, quotes and escapes come on top.
  assert(longest < 4 * SNAPSHOT_LINE_WEIGHT, `a line of ${longest} characters`);
});

class Row {}
class List extends Array {}

const long = items(20_000);
const cyclic: unknown[] = [];
cyclic.push(cyclic, full);
const nested = (depth: number, heart: unknown, weight: unknown[] = []) => {
  for (let i = 0; i < depth; i++) heart = i % 2 === 0 ? [heart, ...weight] : { heart };
  return heart;
};

/** What JSON would drop or change, made of members or items that it keeps; where, as the message says it. */
const dropped: { name: string; make: (list: unknown[]) => unknown; place: string }[] = [
  {
    name: "an array has a member with a name",
    make: (list) => ({ list: Object.assign([...list], { total: 1 }) }),
    place: "$.list",
  },
  {
    name: "an array has a hole and a member with a name",
    make: (list) => {
      const holed = Object.assign([...list], { total: 1 });
      delete holed[1];
      return holed;
    },
    place: "$[1]",
  },
  {
    name: "an array has a hole",
    make: (list) => {
      const holed = [...list];
      delete holed[1];
      return [holed];
    },
    place: "$[0][1]",
  },
  { name: "an array has a class", make: (list) => [1, List.from(list)], place: "$[1]" },
  {
    name: "an array has another prototype",
    make: (list) => Object.setPrototypeOf([...list], { total: 1 }),
    place: "$",
  },
  {
    name: "an array has a symbol as key",
    make: (list) => Object.assign([...list], { [Symbol("s")]: 1 }),
    place: "$",
  },
  {
    name: "an array has toJSON",
    make: (list) => Object.defineProperty([...list], "toJSON", { value: () => 1 }),
    place: "$",
  },
  {
    name: "an object has a symbol as key",
    make: (list) => ({ a: { ...list, [Symbol("s")]: 1 } }),
    place: "$.a",
  },
  { name: "an object has a class", make: (list) => Object.assign(new Row(), list), place: "$" },
  {
    name: "an object inherits members",
    make: (list) =>
      Object.assign(Object.create(Object.assign(Object.create(null), { a: 1 })), list),
    place: "$",
  },
  {
    name: "an object inherits a toJSON",
    make: (list) => Object.defineProperty({ ...list }, "toJSON", { value: () => 1 }),
    place: "$",
  },
  { name: "an item is undefined", make: (list) => [...list, undefined, 1], place: "$[" },
  { name: "an item is a Map", make: (list) => [...list, new Map()], place: "$[" },
  { name: "a member is NaN", make: (list) => ({ ...list, z: NaN }), place: "$.z" },
];

for (const { name, make, place } of dropped) {
  for (const count of [2, long.length]) {
    test(`encodeState() throws InvalidStateError when ${name}, beside ${count} that JSON keeps`, () => {
      const thrown = refusalOf(make(long.slice(0, count)));
      assert(thrown.message.includes(`in the state, ${place}`), thrown.message);
    });
  }
}

test("encodeState() throws InvalidStateError when the state is not JSON", () => {
  const tooDeep = nested(STATE_DEPTH_MAX + 1, 1);
  const tooDeepAndLarge = nested(STATE_DEPTH_MAX + 1, 1, [full]);
  for (const state of [undefined, { a: undefined }, [NaN], [() => 1], cyclic]) refusalOf(state);
  for (const state of [tooDeep, tooDeepAndLarge]) {
    const { message } = refusalOf(state);
    assert(message.includes(`deeper than ${STATE_DEPTH_MAX}`), message);
    assert(message.length < 1000, `a message of ${message.length} characters`);
  }
});

/** What the state is refused with. */
function refusalOf(state: unknown): Error {
  try {
    for (const line of encodeState(state)) line.length;
  } catch (error) {
    assert(error instanceof InvalidStateError, String(error));
    return error;
  }
  throw new Error("it was not refused");
}

const deepest: { name: string; state: unknown }[] = [
  { name: "nothing else", state: nested(STATE_DEPTH_MAX, 1) },
  { name: "a long string beside each level", state: nested(STATE_DEPTH_MAX, 1, [full]) },
  { name: "a long array at its heart", state: nested(STATE_DEPTH_MAX - 2, long) },
];

for (const { name, state } of deepest) {
  test(`encodeState() round-trips the deepest state, with ${name}`, () => {
    assertSame(state);
  });
}

test("createSnapshot() writes a mutation of any depth that is allowed, however far down it is stored", async () => {
  const fs = new PowerCutDisk();
  const keeper = {
    initial: (): Record<string, unknown> => ({}),
    apply(state: Record<string, unknown>, mutation: unknown) {
      state.kept = nested(DEPTH_MAX - 1, mutation);
    },
  };
  const open = (disk: PowerCutDisk) =>
    StateManager.open("/state", "k.wal.jsonl", keeper, { fs: disk });
  const manager = await open(fs);
  await manager.apply(nested(DEPTH_MAX, 1));
  const text = JSON.stringify(manager.state);
  await manager.createSnapshot();
  await manager.close();
  const again = await open(fs.crash());
  assert(again.recovery.snapshot !== null);
  assertEquals(JSON.stringify(again.state), text);
  assertEquals(JSON.stringify(again.snapshot()), text);
  await again.close();
});

test("encodeState() writes the members of a large object as keys and values in turn, and the items of an array", () => {
  const [x, y] = ["x".repeat(10_000), "y".repeat(10_000)];
  assertEquals([...encodeState({ a: x, b: y, c: [1] })], [
    "[[],{}]",
    `[[],["a","${x}"],1]`,
    `[[],["b","${y}","c",[1]],1]`,
  ]);
  assertEquals([...encodeState([x, y, { c: 1 }])], [
    "[[],[]]",
    `[[],["${x}"],1]`,
    `[[],["${y}",{"c":1}],1]`,
  ]);
});

const refused: string[] = [
  "",
  "null",
  "1",
  "[]",
  "[[]]",
  "[[],{},1,2]",
  '["a",1]',
  '[["a"],1]',
  "[[],[],2]",
  "[[0],1,1]",
];

test("StateBuilder refuses lines that make no sense, first or later", () => {
  for (const line of refused) {
    assertEquals(new StateBuilder().add(line), false, line);
  }
  const later = [
    "[[],{}]",
    '[["a","b"],1]',
    '[["toString","x"],1]',
    '[["__proto__","x"],1]',
    "[[0],1]",
    '[["list",5],1]',
    '[["list","x"],1]',
    '[["list",-1],1]',
    '[["list"],{},1]',
    "[[],{},1]",
    '[[],["x"],1]',
    "[[],[1,2],1]",
    '[["n","x"],1]',
  ];
  for (const line of later) {
    const builder = new StateBuilder();
    assert(builder.add('[[],{"list":[1],"n":5}]'));
    assertEquals(builder.add(line), false, line);
    assertEquals(JSON.stringify(builder.state), '{"list":[1],"n":5}');
  }
  assertEquals(({} as { x?: unknown }).x, undefined);
});

test("encodeState() refuses an object of a class when it is too large for a line", () => {
  class Large {
    [key: string]: number;
  }
  const large = new Large();
  for (let i = 0; i < 20_000; i++) large[`key ${i}`] = i;
  assertThrows(() => [...encodeState({ large })], Error, "large");
});
