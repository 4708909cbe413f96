// Tests that JSON written in pieces is what JSON.stringify gives.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { jsonPieces } from "../../cli/json_writer.ts";
import { Random } from "../support/random.ts";
import { drawJson } from "../support/random_json.ts";

const SIZE = 64 * 1024;

test("jsonPieces() gives the text of JSON.stringify", () => {
  const random = new Random(4);
  for (const value of [null, 0, "", [], {}, [[]], { a: {} }, [1, [2, { b: [] }], 3]]) {
    assertEquals([...jsonPieces(value)].join(""), JSON.stringify(value));
  }
  for (let i = 0; i < 1000; i++) {
    const value = drawJson(random);
    assertEquals([...jsonPieces(value)].join(""), JSON.stringify(value));
  }
});

test("jsonPieces() gives pieces of a bounded size, of large containers and large strings", () => {
  const items = Array.from({ length: 50_000 }, (_, i) => ({ i, text: `item ${i}` }));
  const value = { items, text: '"\n'.repeat(300_000), after: true };
  const pieces = [...jsonPieces(value)];
  assertEquals(pieces.join(""), JSON.stringify(value));
  assert(pieces.length > 30);
  assert(pieces.every((piece) => piece.length <= 6 * SIZE));
});

test("jsonPieces() doesn't cut a character in two, and keeps half a character", () => {
  for (const begin of ["", "x"]) {
    const text = begin + "😀".repeat(SIZE);
    const pieces = [...jsonPieces(text)];
    assertEquals(pieces.join(""), JSON.stringify(text));
    assert(!pieces.join("").includes("\\u"));
  }
  const halves = "\ud83d".repeat(SIZE + 2);
  assertEquals([...jsonPieces(halves)].join(""), JSON.stringify(halves));
});
