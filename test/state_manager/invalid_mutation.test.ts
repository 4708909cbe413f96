// Tests that a mutation that is not JSON, or too large, gets a typed error and changes nothing.

import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { assertEquals, assertMatch } from "@std/assert";
import {
  InvalidMutationError,
  InvalidStateError,
  MinistateError,
  TooLargeError,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { assertFails, failureOf } from "../support/errors.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

class Reading {
  celsius = 21;
}

class Readings extends Array<number> {}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { deeper: value };
  return value;
}

function cycle(): unknown {
  const object: { list: unknown[] } = { list: [] };
  object.list.push(object);
  return object;
}

const notJson: { title: string; value: () => unknown; says: RegExp }[] = [
  { title: "undefined", value: () => undefined, says: /\$ is undefined/ },
  { title: "undefined in an object", value: () => ({ a: { b: undefined } }), says: /\$\.a\.b is/ },
  { title: "undefined in an array", value: () => [1, undefined], says: /\$\[1\] is undefined/ },
  // deno-lint-ignore no-sparse-arrays
  { title: "a hole in an array", value: () => ({ a: [1, , 3] }), says: /\$\.a\[1\] is undefined/ },
  { title: "an empty array of length 3", value: () => new Array(3), says: /\$\[0\] is undefined/ },
  { title: "a function", value: () => () => 1, says: /\$ is a function/ },
  { title: "a function in an object", value: () => ({ f: () => 1 }), says: /\$\.f is a function/ },
  { title: "a BigInt", value: () => [{ n: 1n }], says: /\$\[0\]\.n is a bigint/ },
  { title: "a symbol", value: () => Symbol("s"), says: /a symbol/ },
  { title: "a symbol as key", value: () => ({ [Symbol("s")]: 1 }), says: /symbol as key/ },
  { title: "NaN", value: () => ({ celsius: NaN }), says: /\$\.celsius is the number NaN/ },
  { title: "Infinity", value: () => [Infinity], says: /the number Infinity/ },
  { title: "-Infinity", value: () => -Infinity, says: /the number -Infinity/ },
  {
    title: "a Date",
    value: () => ({ at: new Date(0) }),
    says: /\$\.at is an object of class Date/,
  },
  { title: "a Map", value: () => new Map([[1, 2]]), says: /class Map/ },
  { title: "a Set", value: () => new Set([1]), says: /class Set/ },
  { title: "bytes", value: () => new Uint8Array(3), says: /class Uint8Array/ },
  { title: "an Error", value: () => new Error("e"), says: /class Error/ },
  { title: "a RegExp", value: () => /a/, says: /class RegExp/ },
  { title: "a boxed number", value: () => Object(1), says: /class Number/ },
  { title: "a boxed string", value: () => Object("s"), says: /class String/ },
  { title: "an object of a class", value: () => new Reading(), says: /class Reading/ },
  { title: "an array of a class", value: () => Readings.of(1), says: /class Readings/ },
  { title: "an object with toJSON", value: () => ({ toJSON: () => 1 }), says: /toJSON/ },
  {
    title: "an array with toJSON",
    value: () => Object.assign([1], { toJSON: () => 2 }),
    says: /toJSON/,
  },
  { title: "an array with members", value: () => "a".match(/a/), says: /members/ },
  { title: "a promise", value: () => Promise.resolve(1), says: /class Promise/ },
  { title: "a cycle", value: cycle, says: /a cycle, or nesting deeper than 500/ },
  // Too deep for a state as well, which may nest deeper than a mutation.
  { title: "nested 1001 deep", value: () => nested(1001), says: /nesting deeper than 500/ },
  { title: "nested 501 deep", value: () => nested(501), says: /nesting deeper than 500/ },
  {
    title: "an object whose getter throws",
    value: () => ({
      get broken() {
        throw new RangeError("no reading");
      },
    }),
    says: /no reading/,
  },
];

const invalid = { error: InvalidMutationError, code: "INVALID_MUTATION" };

for (const { title, value, says } of notJson) {
  test(`apply(), applyAll() and append() refuse a mutation when it is ${title}`, async () => {
    await using one = await temporaryDirectory();
    await using two = await temporaryDirectory();
    {
      await using manager = await openLedger(one.path);
      await using journal = await Journal.open(two.path, journalName);
      await manager.apply("before");
      await journal.append("before");
      const error = await assertFails(() => manager.apply(value()), { ...invalid, says });
      assertMatch(error.message, /not journaled/);
      await assertFails(() => manager.applyAll([1, value(), 3]), { ...invalid, says });
      await assertFails(() => journal.append(value()), { ...invalid, says });
      await assertFails(() => journal.appendAll([1, value(), 3]), { ...invalid, says });
      assertEquals(manager.sequence, 1);
      assertEquals((await manager.apply("after")).sequence, 2);
      assertEquals((await journal.append("after")).sequence, 2);
    }
    await using manager = await openLedger(one.path);
    assertEquals(manager.snapshot(), { entries: ["before", "after"] });
    assertEquals(manager.sequence, 2);
  });

  if (title === "nested 501 deep") continue;
  test(`create() refuses a snapshot when the state is ${title}`, async () => {
    await using directory = await temporaryDirectory();
    await using store = await SnapshotStore.open(directory.path, journalName);
    const error = await failureOf(() => store.create(1, value()));
    if (!/getter/.test(title)) {
      await assertFails(() => store.create(1, { at: value() }), {
        error: InvalidStateError,
        code: "INVALID_STATE",
        says: /keep only JSON values/,
      });
      assertEquals(error instanceof MinistateError, true);
    }
    assertEquals(await store.exists(), false);
    assertEquals(await store.restore(), null);
  });
}

test("apply() accepts objects and arrays of another realm, and refuses arrays of its classes", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const foreign = runInNewContext("({ items: [1, { a: [2] }] })");
  await manager.apply(foreign);
  assertEquals(manager.snapshot(), { entries: [{ items: [1, { a: [2] }] }] });
  const ofClass = runInNewContext("new (class Readings extends Array {})()");
  const says = /\$ is an object of class Readings/;
  const wanted = { error: InvalidMutationError, code: "INVALID_MUTATION", says };
  await assertFails(() => manager.apply(ofClass), wanted);
});

test("apply() accepts everything that JSON can hold, and returns it on replay", async () => {
  await using directory = await temporaryDirectory();
  const mutations = [
    null,
    true,
    0,
    -1.5e-300,
    Number.MAX_VALUE,
    Number.MAX_SAFE_INTEGER,
    "",
    'quotes " and \\ and \n line feeds \r\n and \0 and \u2028',
    "umlauts ä, 漢字, 😀, a lone half \ud800",
    "deadbeef",
    { seal: 3, crc: "00000000" },
    [],
    {},
    [[], {}, [null]],
    { "": 1, " ": 2, "a.b": 3, "10": 4, "9": 5, length: 6 },
    nested(500),
    [7, ["deadbeef"], 6, 0, "deadbeef"],
  ];
  {
    await using manager = await openLedger(directory.path);
    for (const mutation of mutations) await manager.apply(mutation);
    await manager.applyAll(mutations);
    assertEquals(manager.snapshot(), { entries: [...mutations, ...mutations] });
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.snapshot(), { entries: [...mutations, ...mutations] });
});

const tooLarge = { error: TooLargeError, code: "TOO_LARGE", says: /not journaled.*recordSizeMax/ };

test("apply() refuses a record over recordSizeMax, measured in bytes and not in characters", async () => {
  await using directory = await temporaryDirectory();
  const recordSizeMax = 4096;
  // A line needs at most 66 bytes besides its mutation, and the quotes take two.
  const room = recordSizeMax - 66 - 2;
  const letters = { a: 1, "\u00e4": 2, "\u6f22": 3, "\u{1f600}": 4, "\n": 2, "\ud800": 6 };
  const kept: string[] = [];
  {
    await using manager = await openLedger(directory.path, { recordSizeMax });
    for (const [letter, size] of Object.entries(letters)) {
      const fits = letter.repeat(Math.floor(room / size));
      await manager.apply(fits);
      kept.push(fits);
      await assertFails(() => manager.apply(fits + letter), tooLarge);
      await assertFails(() => manager.applyAll(["small", fits + letter]), tooLarge);
    }
    assertEquals(manager.sequence, kept.length);
  }
  // A smaller limit concerns new records only.
  await using manager = await openLedger(directory.path, { recordSizeMax: 100 });
  assertEquals(manager.snapshot(), { entries: kept });
  await assertFails(() => manager.apply("a".repeat(100)), tooLarge);
});

test("applyAll() refuses a group over the size of a batch, and accepts one just below", async () => {
  await using directory = await temporaryDirectory();
  const mutation = "\u00e4".repeat(500_000);
  const group = (count: number) => Array.from({ length: count }, () => mutation);
  {
    await using manager = await openLedger(directory.path);
    await manager.apply("before");
    await assertFails(() => manager.applyAll(group(17)), {
      error: TooLargeError,
      code: "TOO_LARGE",
      says: /none of it was journaled: split it/,
    });
    assertEquals(manager.sequence, 1);
    const applied = await manager.applyAll(group(16));
    assertEquals(applied.at(-1), { sequence: 17, result: 17 });
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.snapshot(), { entries: ["before", ...group(16)] });
});

test("groups with holes, and values other than arrays, are refused in terms of the API, and leave nothing", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.join("state"));
  await using journal = await Journal.open(directory.join("journal"), journalName);
  // deno-lint-ignore no-explicit-any -- wrong types are the point
  const calls: Record<string, (value?: any) => unknown> = {
    "applyAll()": (value) => manager.applyAll(value),
    "appendAll()": (value) => journal.appendAll(value),
  };
  for (const [name, call] of Object.entries(calls)) {
    // deno-lint-ignore no-sparse-arrays -- as above
    for (const group of [[, {}], [{}, ,], new Array(3), [undefined], [{}, undefined]]) {
      await assertFails(() => call(group), {
        error: InvalidMutationError,
        code: "INVALID_MUTATION",
        says: /The mutation is not JSON: \$ is undefined; it was not journaled/,
      });
    }
    const none = [undefined, null, {}, "text", 5, new Set([1]), { length: 1, 0: 1 }, Symbol("s")];
    for (const value of none) {
      await assertFails(() => call(value), {
        error: TypeError,
        says: /^The mutations must be an array; nothing was journaled$/,
      });
    }
    await assertFails(() => call(), { error: TypeError, says: /must be an array/ });
    assertEquals([manager.sequence, journal.sequence], [0, 0], name);
  }
  // deno-lint-ignore no-explicit-any -- as above
  const nothing: (() => unknown)[] = [(manager as any).apply, (journal as any).append].map(
    (method, i) => () => method.call(i === 0 ? manager : journal),
  );
  for (const call of nothing) {
    await assertFails(call, {
      error: InvalidMutationError,
      code: "INVALID_MUTATION",
      says: /\$ is undefined/,
    });
  }
});
