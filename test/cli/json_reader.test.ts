// Tests that the reader of large JSON reads what JSON.parse reads, however the text is cut into pieces, and refuses the
// rest with its place.

import { test } from "node:test";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { InexactJsonError, readJson } from "../../src/format/json_input.ts";
import { JsonReader } from "../../cli/json_reader.ts";
import { JsonTextError } from "../../cli/json_text_error.ts";
import { Random } from "../support/random.ts";
import { drawJson } from "../support/random_json.ts";

function read(pieces: string[], stringSizeMax?: number): unknown {
  const reader = new JsonReader({ stringSizeMax });
  for (const piece of pieces) reader.add(piece);
  return reader.end();
}

const cutAt = (text: string, at: number) => [text.slice(0, at), text.slice(at)];

test("the reader reads what JSON.parse reads, cut at every place", () => {
  const text =
    ' {"a\\"b" : [1, -2.50, 1e3, true,\tfalse, null, "", "\\\\", "\\u00e9\\ud83d\\ude00é😀"],\r\n' +
    ' "__proto__": {}, "e": [[], {"x": [{}]}], "": "a\\nb" } ';
  const wanted = JSON.stringify(readJson(text));
  for (let at = 0; at <= text.length; at++) {
    assertEquals(JSON.stringify(read(cutAt(text, at))), wanted, `cut at ${at}`);
  }
  assertEquals(JSON.stringify(read([...text])), wanted);
  for (const scalar of ["1", "-0.5", "true", "null", '"x"', ' "" ']) {
    assertEquals(read([...scalar]), JSON.parse(scalar));
  }
});

test("the reader reads drawn values as JSON.parse does, and refuses what it refuses", () => {
  const random = new Random(17);
  for (let i = 0; i < 2000; i++) {
    let text = JSON.stringify(drawJson(random));
    if (random.chance(0.5)) {
      const at = random.below(text.length + 1);
      const odd = random.pick([
        "",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "\\",
        "0",
        "-",
        "e",
        "x",
        " ",
      ]);
      text = text.slice(0, at) + odd + text.slice(at + random.below(2));
    }
    let wanted: unknown;
    let refusal: unknown = null;
    try {
      wanted = readJson(text);
    } catch (error) {
      refusal = error;
    }
    const pieces = cutAt(text, random.below(text.length + 1));
    if (refusal === null) assertEquals(JSON.stringify(read(pieces)), JSON.stringify(wanted), text);
    else {
      const error = assertThrows(() => read(pieces), JsonTextError);
      const isExact = error.message.endsWith((refusal as Error).message);
      assertEquals(isExact || !(refusal instanceof InexactJsonError), true, `${text}: ${error}`);
    }
  }
});

const refused: [text: string, place: [number, number] | null, says: RegExp][] = [
  ["", null, /it is empty/],
  [" \n ", null, /it is empty/],
  ['{"a":1,\n "b":', [2, 6], /in the middle of a value/],
  ['["abc', [1, 6], /in the middle of a string/],
  ["1 2", [1, 3], /"2" stands where the end of the file/],
  ['{}\n"x"', [2, 1], /a string stands where the end of the file/],
  ["{}\n}", [2, 1], /"}" stands/],
  ["[1,]", [1, 4], /"]" stands where a value/],
  ['{"a" 1}', [1, 6], /"1" stands where ":"/],
  ["{'a':1}", [1, 2], /stands where a key/],
  ['{"a":1,}', [1, 8], /stands where a key/],
  ['{"a":1]', [1, 7], /"]" stands where ","/],
  ["[1}", [1, 3], /"}" stands where ","/],
  ["nul", [1, 1], /"nul" is not JSON/],
  ["[\n  01]", [2, 3], /"01" is not JSON/],
  ["[NaN]", [1, 2], /"NaN" is not JSON/],
  ['"\\q"', [1, 1], /an escape that JSON does not know/],
  ['"a\tb"', [1, 3], /a control character/],
  ['"a\\\n"', [1, 4], /a control character/],
  ["\ufeff1", [1, 1], /stands where a value/],
  ['{"x":{"a":1,\n"b":[],"a":2}}', [2, 8], /the key "a" occurs twice in one object at "\/x"/],
  ["[[],[0,1e400]]", [1, 8], /the number 1e400 at "\/1\/1" can't be held exactly/],
  ['{"a":[12345678901234567890]}', [1, 7], /at "\/a\/0" can't be held exactly/],
  ["9007199254740993", [1, 1], /the number 9007199254740993 can't be held exactly/],
  ["[".repeat(501), [1, 501], /nested deeper than 500/],
  [`[1${"0".repeat(5000)}]`, [1, 2], /a number is longer than 4096 characters/],
];

for (const [text, place, says] of refused) {
  test(`the reader refuses ${JSON.stringify(text.slice(0, 40))} and says where`, () => {
    for (const pieces of [[text], [...text]]) {
      const error = assertThrows(() => read(pieces), JsonTextError);
      assertMatch(error.message, says);
      assertEquals(error.place, place && { line: place[0], column: place[1] });
    }
  });
}

test("the reader reads 500 levels", () => {
  const text = "[".repeat(500) + "]".repeat(500);
  assertEquals(JSON.stringify(read([text])), text);
});

test("the reader reads strings of any number of pieces, up to a limit", () => {
  const pieces = Array.from({ length: 100 }, () => "x\\n".repeat(100));
  assertEquals(read(['"', ...pieces, '"'], 30_000), "x\n".repeat(10_000));
  const error = assertThrows(() => read(["[", '"', ...pieces, "y", '"'], 30_000), JsonTextError);
  assertEquals(error.place, { line: 1, column: 2 });
  assertMatch(error.message, /a string is longer than 30000 characters/);
});
