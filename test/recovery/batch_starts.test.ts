// Tests which places after damage count as the beginning of a batch: proof is looked for only there.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { BatchStarts } from "../../src/recovery/batch_starts.ts";

const BASE = 1000;
const EXPECTED = 5;

/** Takes one line, and returns what it begins with and where each of `sequences` could be. */
function collected(line: string, ...sequences: number[]) {
  const starts = new BatchStarts(EXPECTED);
  const bytes = new TextEncoder().encode(line);
  return {
    begins: starts.collect(bytes, 0, bytes.length, BASE),
    places: sequences.map((sequence) => starts.of(sequence)),
  };
}

const rows: { name: string; line: string; begins: number; sequence: number; places: number[] }[] = [
  { name: "is the expected one", line: "[5,1", begins: 5, sequence: 5, places: [BASE] },
  { name: "is below the expected one", line: "[4,1", begins: -1, sequence: 4, places: [] },
  { name: "has zeros in it", line: "[100,1", begins: 100, sequence: 100, places: [BASE] },
  {
    name: "has many digits",
    line: "[987654321,",
    begins: 987654321,
    sequence: 987654321,
    places: [BASE],
  },
  {
    name: "is too large to be one",
    line: "[9007199254740993,",
    begins: -1,
    sequence: 9007199254740992,
    places: [],
  },
  { name: "ends with something else", line: "[7]", begins: -1, sequence: 7, places: [] },
  { name: "has no digits", line: "[,7", begins: -1, sequence: 0, places: [] },
  { name: "is cut off", line: "[77", begins: -1, sequence: 77, places: [] },
  { name: "is within the line", line: "x[8,[9,", begins: -1, sequence: 9, places: [BASE + 4] },
];

for (const { name, line, begins, sequence, places } of rows) {
  test(`collect() knows whether a batch could begin when the sequence ${name}`, () => {
    assertEquals(collected(line, sequence), { begins, places: [places] });
  });
}

test("of() gives the places at the beginning of lines first", () => {
  const starts = new BatchStarts(EXPECTED);
  for (const [line, base] of [["_[6,", 0], ["[6,[7,", 100], ["[6,", 200]] as const) {
    const bytes = new TextEncoder().encode(line);
    starts.collect(bytes, 0, bytes.length, base);
  }
  assertEquals(starts.of(6), [100, 200, 1]);
  assertEquals(starts.of(7), [103]);
});

test("of() keeps the first place and the latest one when many lines begin alike", () => {
  const starts = new BatchStarts(EXPECTED);
  const bytes = new TextEncoder().encode("[6,");
  for (let base = 0; base < 5; base++) starts.collect(bytes, 0, bytes.length, base * 10);
  assertEquals(starts.of(6), [0, 40]);
});

test("of() keeps the first eight and the latest eight places when many are within lines", () => {
  const bytes = new TextEncoder().encode("_" + "[6,".repeat(30));
  const starts = new BatchStarts(EXPECTED);
  starts.collect(bytes, 0, bytes.length, 0);
  const all = Array.from({ length: 30 }, (_, i) => 1 + 3 * i);
  assertEquals(starts.of(6), [...all.slice(0, 8), ...all.slice(-8)]);
});

test("collect() takes no other line for the first record of a journal", () => {
  const starts = new BatchStarts(1);
  const bytes = new TextEncoder().encode("[x,[");
  assertEquals([starts.collect(bytes, 0, bytes.length, 0), starts.of(1)], [-1, []]);
});

test("of() has forgotten the oldest of more sequences within lines than it may remember", () => {
  const starts = new BatchStarts(EXPECTED);
  const many = 65_536;
  const line = Array.from({ length: many + 1 }, (_, i) => `[${EXPECTED + i},`).join("");
  const bytes = new TextEncoder().encode("_" + line);
  starts.collect(bytes, 0, bytes.length, 0);
  const counts = [EXPECTED, EXPECTED + 1, EXPECTED + many].map((sequence) =>
    starts.of(sequence).length
  );
  assertEquals(counts, [0, 1, 1]);
});
