// Tests from where `set` takes its value, what it refuses, and that a refused value changes nothing.

import { mkdir, readdir, writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { freshDisk } from "../../simulation/workloads.ts";
import { begin, errorOf, jsonOf, ministate, ministateWith } from "../support/command.ts";
import { runHere, Screen } from "../support/command_in_process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const STATE = "/data/state";

/** What the document holds at `/a` after a `set` with these arguments. */
async function valueAfter(args: string[], input?: string | AsyncIterable<Uint8Array>) {
  const fs = freshDisk();
  const { code, errors } = await runHere(["set", STATE, "/a", ...args], { fs, input });
  assertEquals(code, 0, errors);
  return JSON.parse((await runHere(["get", STATE, "/a", "--json"], { fs })).output);
}

const taken: [args: string[], input: string, value: unknown][] = [
  [["-5"], "", -5],
  [["-1.5e-3"], "", -0.0015],
  [["--", "-5"], "", -5],
  [["-"], ' {"b":\n[1]}\n', { b: [1] }],
  [["@-"], "7", 7],
  [["-", "--string"], "kitchen\n", "kitchen"],
  [["-", "--string"], "two\r\nlines\r\n", "two\r\nlines"],
  [["-", "--string"], "\n\n", "\n"],
  [["-", "--string"], "\r", "\r"],
  [["-", "--string"], "", ""],
  [["--string", "kitchen"], "", "kitchen"],
  [["12\n", "--string"], "", "12\n"],
  [["--raw", "12"], "", 12],
  [["--string", "--raw", "-"], "not read", "-"],
  [["--string", "--raw", "@ada"], "", "@ada"],
  [["--string", "--raw", "--", "--verbose"], "", "--verbose"],
];

for (const [args, input, value] of taken) {
  const given = JSON.stringify([...args, ...input === "" ? [] : [`< ${input}`]]);
  test(`set takes ${given} as ${JSON.stringify(value)}`, async () => {
    assertEquals(await valueAfter(args, input), value);
  });
}

test("set reads a value that is cut anywhere, also within a character", async () => {
  async function* bytes() {
    for (const byte of new TextEncoder().encode('"hälfte €"')) {
      await Promise.resolve();
      yield new Uint8Array([byte]);
    }
  }
  assertEquals(await valueAfter(["-"], bytes()), "hälfte €");
  assertEquals(await valueAfter(["-", "--string"], bytes()), '"hälfte €"');
});

test("set reads a value from a file, and from its standard input", async () => {
  await using directory = await temporaryDirectory();
  const [state, file] = [directory.join("state"), directory.join("value.json")];
  await writeFile(file, '{"lamps":[1,2]}\n');
  assertEquals((await ministate("set", state, "", `@${file}`)).code, 0);
  assertEquals((await ministate("set", state, "/text", `@${file}`, "--string")).code, 0);
  assertEquals((await ministateWith("[null]", "set", state, "/in", "-")).code, 0);
  assertEquals((await ministate("set", state, "/less", "-5")).code, 0);
  assertEquals(await jsonOf("get", state), {
    lamps: [1, 2],
    text: '{"lamps":[1,2]}',
    in: [null],
    less: -5,
  });
});

test("set says which file it can't read, and makes no directory", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("folder"));
  for (const [file, systemCode] of [["missing", "ENOENT"], ["folder", "EISDIR"]]) {
    const path = directory.join(file!);
    const ended = await ministate("set", directory.join("state"), "/a", `@${path}`, "--json");
    assertEquals([ended.code, errorOf(ended).systemCode], [5, systemCode]);
    assertMatch(errorOf(ended).message, new RegExp(`Cannot read ".*${file}"`));
  }
  assertEquals(await readdir(directory.path), ["folder"]);
});

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

/** Arguments and input that are refused, with the exit code, the error's code, and what the message says. */
const refused: [args: string[], input: string, code: number, error: string, says: RegExp][] = [
  [
    ["/a", "on"],
    "",
    64,
    "USAGE",
    /refused: line 1.*needs its own quotes, as in '"on"', or --string/,
  ],
  [["/a", "[on]"], "", 64, "USAGE", /"on" is not JSON: a string needs quotation marks$/],
  [["/a", "1e400"], "", 64, "USAGE", /1e400 can't be held exactly/],
  [["/a", '{"b":1,"b":2}'], "", 64, "USAGE", /the key "b" occurs twice/],
  [["/a", nested(499)], "", 64, "USAGE", /nested deeper than 498/],
  [["/a", "@"], "", 64, "USAGE", /"@" must be followed by the path of a file/],
  [["/a", "@\0"], "", 64, "USAGE", /"@" must be followed by the path of a file/],
  [["/a", "@x", "--raw"], "", 64, "USAGE", /"@" stands where a value is expected/],
  [["/a", "-", "--raw"], "1", 64, "USAGE", /"-" is not JSON/],
  [["/a", "-"], "", 1, "FILE_REFUSED", /value in "standard input" is refused: it is empty/],
  [["/a", "-"], "[1,\n x]", 1, "FILE_REFUSED", /line 2, column 2: .*; nothing was changed$/],
  [["/a", "-"], '{"b":1,"b":2}', 1, "FILE_REFUSED", /the key "b" occurs twice/],
  [["/a", "-"], nested(499), 1, "FILE_REFUSED", /nested deeper than 498/],
  [["/a", "-"], `${" ".repeat(1024 * 1024)}1`, 1, "FILE_REFUSED", /more than 1048576 bytes/],
  [["/a", "-", "--string"], "\u0001".repeat(200_000), 1, "REFUSED", /its record would have/],
  [[`${"/-".repeat(3)}`, "1"], "", 1, "REFUSED", /there is nothing at/],
  [["/a/b", "1"], "", 1, "REFUSED", /add "\/a" first/],
];

for (const [args, input, code, error, says] of refused) {
  const given = args.map((arg) => arg.slice(0, 20)).join(" ");
  const what = input === "" ? given : `${given} < ${input.slice(0, 20).trim()}`;
  test(`set refuses ${JSON.stringify(what)}, and makes no state`, async () => {
    const fs = freshDisk();
    const paths = fs.paths("");
    const { code: ended, output, errors } = await runHere(
      ["--json", "set", STATE, ...args],
      { fs, input },
    );
    const found = JSON.parse(errors).error;
    assertEquals([ended, output, found.code], [code, "", error], found.message);
    assertMatch(found.message, says);
    assertEquals(fs.paths(""), paths);
  });
}

test("set takes the deepest value that it can keep", async () => {
  assertEquals(JSON.stringify(await valueAfter([nested(498)])), nested(498));
  assertEquals(JSON.stringify(await valueAfter(["-"], nested(498))), nested(498));
});

test("set refuses bytes that are not UTF-8, also as text", async () => {
  async function* bytes() {
    await Promise.resolve();
    yield new Uint8Array([0x22, 0xff, 0x22]);
  }
  for (const options of [[], ["--string"]]) {
    const fs = freshDisk();
    const { code, errors } = await runHere(["set", STATE, "/a", "-", ...options], {
      fs,
      input: bytes(),
    });
    assertEquals(code, 1);
    assertMatch(errors, /^error: The value in "standard input" is refused: it is not UTF-8/);
  }
});

test("set asks a person to type the value", async () => {
  const stderr = new Screen();
  const setting = { fs: freshDisk(), input: "1", stdinIsTerminal: true, stderr };
  assertEquals((await runHere(["set", STATE, "/a", "-"], setting)).code, 0);
  assertMatch(stderr.text, /^Type the value; end with Ctrl-D\n/);
});

test("Ctrl-C while set reads its value changes nothing", async () => {
  await using directory = await temporaryDirectory();
  const { child, ended } = begin("set", directory.join("state"), "/a", "-");
  // More than fits into any pipe: once it is written, the command reads.
  await new Promise((resolve) => child.stdin!.write("[1," + " ".repeat(900_000), resolve));
  process.kill(child.pid!, "SIGINT");
  const { code, errors } = await ended;
  assertEquals([code, errors], [130, "Interrupted: nothing was changed\n"]);
  assertEquals(await readdir(directory.path), []);
});

test("an interrupted set tells a program, too", async () => {
  const interruption = new AbortController();
  async function* input() {
    yield new TextEncoder().encode("[1");
    await Promise.resolve();
    interruption.abort("SIGTERM");
  }
  const fs = freshDisk();
  const setting = { fs, input: input(), interruption: interruption.signal };
  const { code, output } = await runHere(["set", STATE, "/a", "-", "--json"], setting);
  assertEquals([code, JSON.parse(output)], [143, { set: false, interrupted: true }]);
});
