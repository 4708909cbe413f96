// Tests `patch`: bad lines, acknowledgements, streaming, and SIGKILL and Ctrl-C in the middle.

import { readdir, writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { temporaryDirectory } from "../support/temporary.ts";
import { begin, errorOf, jsonOf, ministate, ministateWith, outputOf } from "../support/command.ts";

const encode = (value: unknown) => JSON.stringify(value) + "\n";

test("patch applies both kinds, reports bad lines by number, and continues after them", async () => {
  await using directory = await temporaryDirectory();
  const lines = [
    '{"a":{"b":1},"list":[]}',
    "{nonsense",
    '[{"op":"add","path":"/list/-","value":1},{"op":"remove","path":"/nowhere"}]',
    "",
    '[{"op":"test","path":"/a/b","value":1},{"op":"replace","path":"/a/b","value":2}]',
    '[{"op":"test","path":"/a/b","value":1},{"op":"replace","path":"/a/b","value":9}]',
    "5",
    '[{"op":"frobnicate","path":"/a"}]',
    '{"c":null,"d":{"e":null,"f":1}}',
    "[".repeat(600) + "]".repeat(600),
    '{"last":true}',
  ];
  const ended = await ministateWith(lines.join("\n"), "patch", directory.path, "--ack");
  assertEquals([ended.code, ended.output], [1, "1\n2\n3\n4\n"]);
  const reported = [...ended.errors.matchAll(/^line (\d+): .*nothing of it was applied$/gm)];
  assertEquals(reported.map((match) => Number(match[1])), [2, 3, 6, 7, 8, 10]);
  assertMatch(ended.errors, /^4 lines applied, 6 refused, sequence 4, /m);
  assertEquals(await jsonOf("get", directory.path), {
    a: { b: 2 },
    list: [],
    d: { f: 1 },
    last: true,
  });
  assertEquals((await outputOf("log", directory.path)).trimEnd().split("\n").length, 4);
});

test("patch --json prints one JSON value a line, errors too", async () => {
  await using directory = await temporaryDirectory();
  const ended = await ministateWith(
    '{"a":1}\nx\n',
    "patch",
    directory.path,
    "-",
    "--ack",
    "--json",
  );
  const [acknowledged, summary] = ended.output.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(acknowledged, { sequence: 1 });
  assertEquals([summary.lines, summary.applied, summary.refused, summary.sequence], [2, 1, 1, 1]);
  assertEquals([errorOf(ended).code, errorOf(ended).line], ["LINE_REFUSED", 2]);
});

test("patch --stop stops at the first bad line", async () => {
  await using directory = await temporaryDirectory();
  const ended = await ministateWith('{"a":1}\nx\n{"a":2}\n', "patch", directory.path, "--stop");
  assertEquals(ended.code, 1);
  assertEquals(await jsonOf("get", directory.path, "/a"), 1);
});

test("patch refuses a line whose record would be too large, and keeps the lines around it", async () => {
  await using directory = await temporaryDirectory();
  const growing = `{"numbers":[${"1e20,".repeat(100_000)}0]}`;
  const long = encode({ long: "x".repeat(1_100_000) });
  const add = (value: number) => encode([{ op: "add", path: "/n", value }]);
  const input = `${add(1)}${growing}\n${long}${add(2)}`;
  const ended = await ministateWith(input, "patch", directory.path, "--ack");
  assertEquals([ended.code, ended.output], [1, "1\n2\n"]);
  assertMatch(ended.errors, /^line 2: its record would have \d+ bytes/m);
  assertMatch(ended.errors, /^line 3: it is \d+ bytes long/m);
  assertEquals(await jsonOf("get", directory.path), { n: 2 });
});

test("patch with a file that is missing exits 5 and makes no directory", async () => {
  await using directory = await temporaryDirectory();
  const missing = directory.join("missing.jsonl");
  const ended = await ministate("patch", directory.join("state"), missing, "--json");
  assertEquals([ended.code, errorOf(ended).code], [5, "IO_FAILED"]);
  assertStringIncludes(errorOf(ended).message, missing);
  assertEquals(await readdir(directory.path), []);
});

test("patch applies 20,000 JSON Patches to a document of 20,000 members in seconds", async () => {
  await using directory = await temporaryDirectory();
  const document = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i]));
  const lines = Array.from({ length: 20_000 }, (_, i) =>
    encode([
      { op: "test", path: `/k${i}`, value: i },
      { op: "replace", path: `/k${i}`, value: -i },
    ]));
  const file = directory.join("lines.jsonl");
  await writeFile(file, encode(document) + lines.join(""));
  const state = directory.join("state");
  const summary = await jsonOf("patch", state, file);
  assertEquals([summary.applied, summary.refused, summary.sequence], [20_001, 0, 20_001]);
  assert(summary.seconds < 20, `${summary.seconds} s`);
  assertEquals(await jsonOf("get", state, "/k19999"), -19_999);
});

test("patch answers each line while its input stays open", async () => {
  await using directory = await temporaryDirectory();
  const { child, onLine, ended } = begin("patch", directory.path, "--ack");
  let waiting: ((line: string) => void) | undefined;
  onLine((line) => waiting?.(line));
  for (const i of [1, 2, 3]) {
    const answer = new Promise<string>((resolve) => waiting = resolve);
    child.stdin!.write(encode({ i }));
    assertEquals(await answer, `${i}`);
  }
  child.stdin!.end();
  assertEquals((await ended).code, 0);
});

test("every line that patch acknowledged is there after SIGKILL", async () => {
  await using directory = await temporaryDirectory();
  const file = directory.join("lines.jsonl");
  const lines = Array.from({ length: 200_000 }, (_, i) => encode({ [`k${i % 1000}`]: i + 1 }));
  await writeFile(file, lines.join(""));
  const state = directory.join("state");
  const { child, onLine, ended } = begin("patch", state, file, "--ack");
  let acknowledged = 0;
  onLine((line) => {
    assertEquals(Number(line), acknowledged + 1, "in order, without a gap");
    acknowledged = Number(line);
    if (acknowledged === 5000) child.kill("SIGKILL");
  });
  const { code } = await ended;
  assertEquals(code, null, "killed in the middle");
  const { verdict, nextOpen } = await jsonOf("inspect", state);
  assert(verdict !== "corrupt", verdict);
  assert(nextOpen.sequence >= acknowledged, `${nextOpen.sequence} of ${acknowledged}`);
  await outputOf("set", state, "/after", "true");
  const log = await outputOf("log", state, "--json");
  const mutations = log.trimEnd().split("\n").map((line) => JSON.parse(line).mutation);
  for (const [i, mutation] of mutations.slice(0, acknowledged).entries()) {
    assertEquals(mutation, { [`k${i % 1000}`]: i + 1 });
  }
  assertEquals(mutations.length, nextOpen.sequence + 1);
  assertEquals((await ministate("verify", state)).code, 0);
});

test("patch ends cleanly on Ctrl-C: what it accepted is durable and sealed", async () => {
  await using directory = await temporaryDirectory();
  const { child, onLine, ended } = begin("patch", directory.path, "--ack");
  const first = new Promise<void>((resolve) => onLine(() => resolve()));
  child.stdin!.write(encode({ a: 1 }));
  await first;
  process.kill(child.pid!, "SIGINT");
  const { code, errors } = await ended;
  assertEquals(code, 130);
  assertMatch(errors, /Interrupted: 1 line applied, sequence 1/);
  const { segments, verdict } = await jsonOf("inspect", directory.path);
  assertEquals([segments[0].sealed, verdict], [true, "sound"]);
});

test("patch --ack stops when nobody reads the sequences, and closes cleanly", async () => {
  await using directory = await temporaryDirectory();
  const { child, onLine, ended } = begin("patch", directory.path, "--ack");
  child.stdin!.on("error", () => undefined);
  onLine(() => child.stdout!.destroy());
  let i = 0;
  const timer = setInterval(() => child.stdin!.write(encode({ i: ++i })), 10);
  const { code, errors } = await ended;
  clearInterval(timer);
  assertEquals(code, 1);
  assert(!errors.includes("EPIPE"), errors);
  assertEquals((await jsonOf("inspect", directory.path)).verdict, "sound");
});
