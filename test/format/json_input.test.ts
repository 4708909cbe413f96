// Tests that JSON typed by a person is read exactly on every runtime, or refused when part of it would be lost.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { InexactJsonError, readJson } from "../../src/format/json_input.ts";
import { parseExactly } from "../../src/format/json_parse.ts";
import { Random, testSeed } from "../support/random.ts";
import { drawJson } from "../support/random_json.ts";

const WHITE_SPACE = ["", " ", "\n", "\t\r\n  "];

/** The same JSON with white space wherever JSON allows it. */
function spread(text: string, random: Random): string {
  const space = () => random.pick(WHITE_SPACE);
  const pieces = text.match(/"(?:[^"\\]|\\.)*"|[-+.\w]+|./gs) ?? [];
  return space() + pieces.map((piece) => piece + space()).join("");
}

test("readJson() and parseExactly() read what JSON.stringify() wrote, whatever white space is put in", () => {
  const seed = testSeed("readJson");
  for (let round = 0; round < 500; round++) {
    const random = new Random(seed + round);
    const text = JSON.stringify(drawJson(random));
    const spaced = spread(text, random);
    assertEquals(JSON.stringify(readJson(spaced)), text);
    assertEquals(JSON.stringify(parseExactly(spaced)), text);
  }
});

test("readJson() keeps keys that are one escape apart from a backslash seen before, with white space around them", () => {
  for (const colon of [":", " :", "\n\t: "]) {
    for (const escape of ["\\n", '\\"', "\\u0000"]) {
      // Read before, and in the same text.
      readJson(`{ "q" : 0, "k\\\\"${colon}1 }`);
      const text =
        `[{"q":0,"k${escape}"${colon}["k${escape}"]}, {"q" : 0, "k\\\\"${colon}1}, {"q":0,"k${escape}"${colon}2}]`;
      assertEquals(JSON.stringify(readJson(text)), text.replace(/\s/g, ""));
    }
  }
});

const exact = [
  "0",
  "-0.0",
  "1.50",
  "1e2",
  "15e-1",
  "0.1",
  "0.30000000000000004",
  "3.141592653589793",
  "-3.141592653589793000",
  "9007199254740992",
  "9007199254740994",
  "12345678901234567000",
  "100000000000000000000",
  "1e20",
  "1E+20",
  "1.7976931348623157e308",
  "5e-324",
  "0e999999999999",
  "0.0000000000000000000000001",
];

for (const text of exact) {
  test(`readJson() accepts the number ${text}`, () => {
    assertEquals(readJson(` [${text} , {"a":${text}}] `), [Number(text), { a: Number(text) }]);
  });
}

/** What is refused, and what the message must name. */
const refused: { text: string; names: string[] }[] = [
  { text: "9007199254740993", names: ["9007199254740993", "9007199254740992", "string"] },
  { text: "-9007199254740993", names: ["-9007199254740993", "-9007199254740992", "string"] },
  { text: '{"id":12345678901234567890}', names: ["12345678901234567890", '"/id"', "string"] },
  {
    text: '[1,{"a/b~":[0,0.1234567890123456789]}]',
    names: ['"/1/a~1b~0/1"', "0.12345678901234568"],
  },
  { text: "3.14159265358979323846", names: ["3.14159265358979323846", "3.141592653589793"] },
  { text: "1e400", names: ["1e400", "string"] },
  { text: "1e-400", names: ["1e-400", "string"] },
  { text: "1".repeat(2 ** 20), names: ["string"] },
  { text: `0.${"0".repeat(2 ** 20)}1`, names: ["string"] },
  { text: '{"a":1,"b":{"c":1,"c":1}}', names: ['"c"', '"/b"', "twice"] },
  { text: '{"a":1 , "\\u0061" : 2}', names: ['"a"', "twice"] },
  { text: '{"\\n":1,"x":{"\\n":2},"\\n":3}', names: ['"\\n"', "twice"] },
  { text: '{"__proto__":1,"__proto__":2}', names: ['"__proto__"', "twice"] },
  { text: '{"0":1,"0":2}', names: ['"0"', "twice"] },
];

for (const { text, names } of refused) {
  test(`readJson() refuses ${text.slice(0, 50)} and names the workaround`, () => {
    const { message } = assertThrows(() => readJson(text), InexactJsonError);
    for (const name of names) assert(message.includes(name), message);
    assert(message.length < 400, `a message of ${message.length} characters`);
  });
}

test("readJson() accepts a key that occurs in several objects, and as the value of itself", () => {
  const text = '{"a":{"a":["a","a",{"a":"a"},{"a":1}]},"b":"a"}';
  assertEquals(JSON.stringify(readJson(text)), text);
});

test("readJson() throws SyntaxError when it is not JSON", () => {
  for (
    const text of ["", " ", "{", '{"\\n":}', "[1,]", "01", '{"a":1}}', "NaN", "'a'", "\ufeff1"]
  ) {
    assertThrows(() => readJson(text), SyntaxError);
  }
});

test("readJson() and parseExactly() read escaped keys that nest 100,000 deep", () => {
  const text = '{"\\n" :'.repeat(100_000) + "1" + "}".repeat(100_000);
  for (const read of [readJson, parseExactly]) {
    let value = read(text);
    for (let depth = 0; depth < 100_000; depth++) value = (value as Record<string, unknown>)["\n"];
    assertEquals(value, 1);
  }
});
