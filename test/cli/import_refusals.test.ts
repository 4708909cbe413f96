// Tests which files `import` refuses, with which words, and that it then changes nothing.

import { mkdir, readdir } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { PowerCutDisk } from "../../testing.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { errorOf, ministate } from "../support/command.ts";
import { runHere } from "../support/command_in_process.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError } from "../support/wrapped_fs.ts";

const STATE = "/data/state";
const encoder = new TextEncoder();

async function documentOf(fs: PowerCutDisk): Promise<string> {
  const { code, output, errors } = await runHere(["get", STATE, "--json"], { fs });
  assertEquals(code, 0, errors);
  return output.trimEnd();
}

const refused: [what: string, input: string | Uint8Array, error: RegExp, line?: number][] = [
  ["an empty file", "", /it is empty/],
  ["a file that was cut short", '{"a":\n[1', /line 2, column 3: it ends in the middle/, 2],
  ["something after the value", "{}\n{}", /line 2, column 1: "{" stands where the end/, 2],
  ["a key that occurs twice", '{"a":1,"a":2}', /line 1, column 8: the key "a" occurs twice/, 1],
  ["a number that can't be held", "[1e400]", /1e400 at "\/0" can't be held exactly/, 1],
  ["501 levels", "[".repeat(501), /line 1, column 501: it is nested deeper than 500/, 1],
  [
    "a file that is not UTF-8",
    new Uint8Array([0x22, 0xff, 0x22]),
    /not UTF-8, at or soon after byte 0/,
  ],
  [
    "half a character at the end",
    new Uint8Array([0x22, 0xc3]),
    /not UTF-8, at or soon after byte 2/,
  ],
  ["UTF-16", new Uint8Array([0xff, 0xfe, 0x31, 0]), /not UTF-8/],
];

for (const [what, text, says, line] of refused) {
  test(`import refuses ${what}, and changes nothing`, async () => {
    async function* bytes() {
      await Promise.resolve();
      yield typeof text === "string" ? encoder.encode(text) : text;
    }
    const fs = freshDisk();
    const paths = fs.paths("");
    const none = await runHere(["import", STATE, "-", "--json"], { fs, input: bytes() });
    const { error } = JSON.parse(none.errors);
    assertEquals([none.code, error.code, error.line], [1, "FILE_REFUSED", line]);
    assertMatch(error.message, says);
    assertEquals(fs.paths(""), paths);
    await runHere(["set", STATE, "/a", "1"], { fs });
    const before = fs.paths("");
    const again = await runHere(["import", STATE, "-", "--replace"], { fs, input: bytes() });
    assertEquals([again.code, fs.paths("")], [1, before]);
    assertMatch(again.errors, /nothing was changed\n$/);
    assertEquals(await documentOf(fs), '{"a":1}');
  });
}

test("import accepts 500 levels, scalars and white space around them", async () => {
  for (
    const [text, wanted] of [["[".repeat(500) + "]".repeat(500)], [" \r\n7\t\n", "7"], ["null"]]
  ) {
    const fs = freshDisk();
    assertEquals((await runHere(["import", STATE, "-"], { fs, input: text! })).code, 0);
    assertEquals(await documentOf(fs), wanted ?? text);
    assertEquals((await runHere(["verify", STATE], { fs })).code, 0);
  }
});

test("import says what is wrong with a file that it can't read, and makes no directory", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("folder"));
  const state = directory.join("state");
  for (const [file, systemCode] of [["missing", "ENOENT"], ["folder", "EISDIR"]]) {
    const ended = await ministate("import", state, directory.join(file!), "--json");
    assertEquals([ended.code, errorOf(ended).systemCode], [5, systemCode]);
    assertStringIncludes(errorOf(ended).message, file!);
  }
  async function* input() {
    yield encoder.encode("[");
    await Promise.resolve();
    throw systemError("EIO");
  }
  const fs = freshDisk();
  const { code, errors } = await runHere(["import", STATE, "-"], { fs, input: input() });
  assertEquals(code, 5);
  assertMatch(errors, /Cannot read "standard input": EIO/);
  assertEquals([await readdir(directory.path), fs.paths("")], [["folder"], freshDisk().paths("")]);
});
