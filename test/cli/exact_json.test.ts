// Tests that JSON given to the command is kept exactly on every runtime, or refused with a workaround.

import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { freshDisk } from "../../simulation/workloads.ts";
import { runHere } from "../support/command_in_process.ts";

/** V8's own parser reads the second key as the first (nodejs/node#63785). */
const BACKSLASH = '{"q":0,"k\\\\":1}';
const ESCAPE = '{"q":0,"k\\n":2}';
const spaced = (text: string) => text.replace(/[:,]/g, " $& ");

async function stateOf(fs: ReturnType<typeof freshDisk>): Promise<string> {
  return (await runHere(["get", "/state", "--json"], { fs })).output.trimEnd();
}

test("set keeps keys that are one escape apart", async () => {
  const fs = freshDisk();
  for (const [pointer, json] of [["/a", BACKSLASH], ["/b", spaced(ESCAPE)], ["/c", ESCAPE]]) {
    assertEquals((await runHere(["set", "/state", pointer!, json!], { fs })).code, 0);
  }
  assertEquals(await stateOf(fs), `{"a":${BACKSLASH},"b":${ESCAPE},"c":${ESCAPE}}`);
});

test("patch keeps keys that are one escape apart, in merge patches, JSON Patches and copies", async () => {
  const fs = freshDisk();
  const input = [
    `{"a":${BACKSLASH}}`,
    `{"b":${spaced(ESCAPE)}}`,
    `[{"op":"add","path":"/c","value":${spaced(ESCAPE)}}]`,
    '[{"op":"copy","from":"/b","path":"/d"}]',
    `{"e":${ESCAPE}}`,
    `[{"op":"test","path":"/e","value":${ESCAPE}}]`,
  ].join("\n");
  const { code, errors } = await runHere(["patch", "/state"], { fs, input });
  assertEquals(code, 0, errors);
  const wanted = `{"a":${BACKSLASH},"b":${ESCAPE},"c":${ESCAPE},"d":${ESCAPE},"e":${ESCAPE}}`;
  assertEquals(await stateOf(fs), wanted);
});

/** JSON of which the document would lose something. */
const inexact: { json: string; says: string }[] = [
  {
    json: "9007199254740993",
    says: 'write it as a string, "9007199254740993", or accept 9007199254740992',
  },
  { json: '{"id":12345678901234567890}', says: "12345678901234567890" },
  { json: "[0.12345678901234567890]", says: "0.12345678901234568" },
  { json: "1e400", says: "as a string" },
  { json: '{"a":1,"a":2}', says: 'the key "a" occurs twice' },
];

for (const { json, says } of inexact) {
  test(`set refuses ${json}, says what to write instead, and makes no directory`, async () => {
    const fs = freshDisk();
    const { code, errors } = await runHere(["set", "/state", "/x", json], { fs });
    assertEquals(code, 64);
    assertStringIncludes(errors, says);
    assertEquals(fs.paths(""), []);
  });

  test(`patch refuses ${json}, in merge patches and in JSON Patches, and says what to write instead`, async () => {
    const fs = freshDisk();
    const input = [
      `{"x":${json}}`,
      `[{"op":"add","path":"/x","value":${json}}]`,
      '{"kept":[{"op":1},1.50]}',
      `[{"op":"add","path":"/x","value":${json}}]`,
    ].join("\n");
    const { code, errors } = await runHere(["patch", "/state"], { fs, input });
    assertEquals(code, 1);
    assertEquals(errors.split("\n").filter((line) => line.includes(says)).length, 3, errors);
    assertEquals(await stateOf(fs), '{"kept":[{"op":1},1.5]}');
  });
}
