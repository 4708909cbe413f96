// Tests that a copy of a state is equal to it and shares nothing with it.

import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { copyJson } from "../../src/format/copy_json.ts";

const VALUES: Record<string, unknown> = {
  "null": null,
  "a text": "text",
  "an array in an array": [[1, 2], [], [true, null]],
  "objects in an array": { list: [{ a: 1 }, { b: { c: "d" } }], empty: {} },
  "a key that is the name of the prototype": JSON.parse('{"__proto__":{"a":[1]},"b":2}'),
  "keys that look like numbers": { 10: "ten", b: 1, 2: "two" },
};

for (const [name, value] of Object.entries(VALUES)) {
  test(`copyJson() copies ${name}`, () => {
    const copy = copyJson(value);
    assertEquals(copy, value);
    assertEquals(JSON.stringify(copy), JSON.stringify(value));
    shareNothing(copy, value);
  });
}

function shareNothing(copy: unknown, value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  assert(copy !== value);
  for (const key of Object.keys(value)) {
    shareNothing((copy as Record<string, unknown>)[key], (value as Record<string, unknown>)[key]);
  }
}

test("copyJson() copies what isn't JSON as structuredClone does, or refuses it", () => {
  const date = new Date(5);
  const copy = copyJson({ date, map: new Map([["a", [1]]]), none: undefined });
  assert(copy.date !== date && copy.date instanceof Date);
  assertEquals(copy, { date, map: new Map([["a", [1]]]), none: undefined });
  const bare = Object.assign(Object.create(null), { a: 1 });
  assertEquals(Object.getPrototypeOf(copyJson(bare)), Object.prototype);
  for (const value of [() => 1, Symbol("a")]) {
    assertThrows(() => copyJson({ value }), DOMException);
  }
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assertThrows(() => copyJson(cycle), RangeError);
});
