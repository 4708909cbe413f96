// Tests `get`, `set`, `remove` and the command line itself: arguments, errors, exit codes.

import { mkdir, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { documentMutator } from "../../cli/document.ts";
import { VERSION } from "../../cli/version.ts";
import { own } from "../support/runtimes.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { errorOf, jsonOf, ministate, ministateWith, outputOf } from "../support/command.ts";

test("set, get and remove keep a document in a directory they make", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("deep", "state");
  assertEquals(await outputOf("set", state, "/lamps", "[]"), "sequence 1\n");
  assertEquals(await jsonOf("set", state, "/lamps/-", '{"on":true}'), { sequence: 2 });
  assertEquals(await jsonOf("set", state, "/lamps/0/on", "false"), { sequence: 3 });
  assertEquals(await outputOf("set", state, "/celsius", "-5.5"), "sequence 4\n");
  assertEquals(await outputOf("get", state, "/lamps/0"), '{\n  "on": false\n}\n');
  assertEquals(await outputOf("remove", state, "/lamps/0"), "sequence 5\n");
  assertEquals(await jsonOf("get", state), { lamps: [], celsius: -5.5 });
  assertEquals(await outputOf("set", state, "", '"whole"'), "sequence 6\n");
  assertEquals(await outputOf("get", state), '"whole"\n');
  assertEquals(await outputOf("get", state, "", "--raw"), "whole\n");
});

test("set replaces an item of an array in place", async () => {
  await using directory = await temporaryDirectory();
  await outputOf("set", directory.path, "/list", "[1,2,3]");
  await outputOf("set", directory.path, "/list/1", "9");
  assertEquals(await jsonOf("get", directory.path, "/list"), [1, 9, 3]);
});

test("the API opens what the command wrote, with names such as __proto__ as data", async () => {
  await using directory = await temporaryDirectory();
  await outputOf("set", directory.path, "/__proto__", '{"polluted":true}');
  await using manager = await StateManager.open(
    directory.path,
    "document.wal.jsonl",
    documentMutator,
    { readOnly: true },
  );
  assertEquals(JSON.stringify(manager.state), '{"__proto__":{"polluted":true}}');
  assertEquals(manager.recovery.sealed, true);
  assert(!("polluted" in {}));
});

test("a change that can't be applied says why, exits 1 and is not journaled", async () => {
  await using directory = await temporaryDirectory();
  await outputOf("set", directory.path, "/a", "1");
  for (
    const args of [["set", "/b/c", "1"], ["set", "/a/b", "1"], ["remove", "/b"], ["remove", ""]]
  ) {
    const ended = await ministate(args[0]!, directory.path, ...args.slice(1), "--json");
    assertEquals([ended.code, ended.output, errorOf(ended).code], [1, "", "REFUSED"]);
  }
  assertEquals((await jsonOf("inspect", directory.path)).nextOpen.sequence, 1);
});

test("set says what to add first when the parent of a value is missing", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await outputOf("set", state, "/c", "1");
  const { code, errors } = await ministate("set", state, "/a/b", "1");
  assertEquals(code, 1);
  assertMatch(
    errors,
    /^error: Cannot change the document: .*add "\/a" first; the document is unchanged$/m,
  );
});

test("get exits 1 when there is nothing at the pointer", async () => {
  await using directory = await temporaryDirectory();
  await outputOf("set", directory.path, "/a", "1");
  const ended = await ministate("get", directory.path, "/b");
  assertEquals([ended.code, ended.output], [1, ""]);
  assertMatch(ended.errors, /^error: There is nothing at "\/b" in /);
  assertEquals(ended.errors.includes("    at "), false, "no stack trace");
});

const WRONG: string[][] = [
  [],
  ["frobnicate"],
  ["get"],
  ["get", "DIR", "no-slash"],
  ["get", "DIR", "/a", "/b"],
  ["get", "DIR", "--frobnicate"],
  ["set", "DIR", "/a"],
  ["set", "DIR", "/a", "{nonsense"],
  ["set", "DIR", "/a", "undefined"],
  ["set", "DIR", "/~2", "1"],
  ["log", "DIR", "--from", "x"],
  ["log", "DIR", "--to", "-1"],
  ["log", "DIR", "--from", "1e99"],
  ["repair"],
  ["backup", "DIR"],
];

test("wrong arguments exit 64 with a message, and make no directory", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  for (const args of WRONG) {
    const given = args.map((arg) => arg === "DIR" ? state : arg);
    const { code, output, errors } = await ministate(...given);
    assertEquals([code, output], [64, ""], args.join(" "));
    assert(errors.length > 0 && !errors.includes("    at "), errors);
  }
  const ended = await ministate("get", "--json");
  assertEquals([ended.code, errorOf(ended).code], [64, "USAGE"]);
  assertEquals(await readdir(directory.path), []);
});

test("a directory that is missing, or holds no state, exits 4 and stays unchanged", async () => {
  await using directory = await temporaryDirectory();
  const missing = directory.join("missing");
  for (const command of ["get", "log", "inspect", "verify", "repair", "snapshot", "compact"]) {
    for (const path of [missing, directory.path]) {
      const ended = await ministate(command, path, "--json");
      assertEquals([ended.code, errorOf(ended).code], [4, "NO_STATE"], command);
    }
  }
  assertEquals((await ministate("remove", missing, "/a")).code, 4);
  assertEquals((await ministate("backup", missing, directory.join("copy"))).code, 4);
  assertEquals(await readdir(directory.path), []);
});

test("another mutator's directory is refused where the mutator matters, and never changed", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply("mine");
  await manager.close();
  const before = await Promise.all(
    (await readdir(directory.path)).map((name) => readFile(directory.join(name), "utf8")),
  );
  const commands = [
    ["set", "/a", "1"],
    ["remove", "/a"],
    ["snapshot"],
    ["compact"],
    ["patch"],
  ];
  for (const [command, ...rest] of commands) {
    const ended = await ministate(command!, directory.path, ...rest, "--json");
    assertEquals([ended.code, errorOf(ended).code], [4, "FOREIGN_FORMAT"], command);
    assertStringIncludes(errorOf(ended).message, "nothing was changed");
  }
  const after = await Promise.all(
    (await readdir(directory.path)).map((name) => readFile(directory.join(name), "utf8")),
  );
  assertEquals(after, before);
  assertStringIncludes(await outputOf("log", directory.path), '  "mine"');
  assertEquals((await jsonOf("inspect", directory.path)).mutator, null);
});

test("a directory that another process has open is LOCKED for changes and free for reading", async () => {
  await using directory = await temporaryDirectory();
  await outputOf("set", directory.path, "/a", "1");
  await using manager = await StateManager.open(
    directory.path,
    "document.wal.jsonl",
    documentMutator,
  );
  for (const args of [["set", "/a", "2"], ["compact"], ["patch"]]) {
    const ended = await ministate(args[0]!, directory.path, ...args.slice(1), "--json");
    assertEquals([ended.code, errorOf(ended).code], [3, "LOCKED"]);
  }
  await manager.apply([{ op: "replace", path: "/a", value: 3 }]);
  assertEquals(await jsonOf("get", directory.path, "/a"), 3);
});

test("snapshot and compact write snapshots that get starts from", async () => {
  await using directory = await temporaryDirectory();
  await outputOf("set", directory.path, "/a", "1");
  const { sequence, path } = await jsonOf("snapshot", directory.path);
  assertEquals(sequence, 1);
  assert((await stat(path)).isFile());
  await outputOf("set", directory.path, "/a", "2");
  assertEquals((await jsonOf("compact", directory.path)).snapshot.sequence, 2);
  await outputOf("set", directory.path, "/a", "3");
  const { snapshot, replays } = (await jsonOf("inspect", directory.path)).nextOpen;
  assertEquals([snapshot.sequence, replays], [2, 1]);
  assertEquals(await jsonOf("get", directory.path, "/a"), 3);
  const { deleted } = await jsonOf("compact", directory.path);
  assert(deleted.length > 0);
  assertEquals(await jsonOf("get", directory.path, "/a"), 3);
});

test("--version names the package's version, the runtime and the format, and every subcommand's help has examples", async () => {
  const manifest = JSON.parse(
    await readFile(new URL("../../package.json", import.meta.url), "utf8"),
  );
  assertEquals(VERSION, manifest.version);
  const runtime = own[0]!.toUpperCase() + own.slice(1);
  const line = await outputOf("--version");
  assertMatch(line, new RegExp(`^ministate ${VERSION} \\(${runtime} [\\d.]+, format 1\\)\n$`));
  const [, runtimeVersion] = /([\d.]+),/.exec(line)!;
  const json = { version: VERSION, runtime, runtimeVersion, format: 1 };
  for (const args of [["--version", "--json"], ["--json", "-V"]]) {
    assertEquals(JSON.parse(await outputOf(...args)), json);
  }
  const help = await outputOf("--help");
  assertStringIncludes(help, "Exit codes:");
  for (const [, name] of help.matchAll(/^ {2}([a-z]+) .*<dir>/gm)) {
    const text = await outputOf(name!, "--help");
    assertMatch(text, new RegExp(`Examples:\n(.*\n)*.*ministate ${name} `), name);
  }
});

test("--json works before and after the command, but not after --", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  assertEquals(
    await outputOf("--json", "set", state, "/a", "1"),
    '{"sequence":1,"created":true}\n',
  );
  const commands = [
    ["get"],
    ["log"],
    ["inspect"],
    ["verify"],
    ["repair"],
    ["snapshot"],
    ["compact"],
    ["doctor", "--no-sync-test"],
  ];
  for (const [command, ...rest] of commands) {
    const ended = await ministate("--json", command!, state, ...rest);
    assert(ended.code !== null && ended.code < 3, ended.errors);
    assertEquals(typeof JSON.parse(ended.output.split("\n")[0]!), "object", command);
  }
  assertEquals(
    (await jsonOf("--json", "backup", state, directory.join("copy"))).sequence,
    1,
    "before and after",
  );
  assertEquals(JSON.parse(await outputOf("--json", "remove", state, "/a")), { sequence: 2 });
  const missing = await ministate("--json", "get", directory.join("missing"));
  assertEquals([missing.code, errorOf(missing).code], [4, "NO_STATE"]);
  for (
    const args of [["--json"], ["--json", "nonsense"], ["--json", "get"], ["--nonsense", "--json"]]
  ) {
    const wrong = await ministate(...args);
    assertEquals([wrong.code, wrong.output, errorOf(wrong).code], [64, "", "USAGE"]);
    assertMatch(errorOf(wrong).message, /[a-z]{3} /, args.join(" "));
  }
  const value = await ministate("set", state, "/a", "--", "--json");
  assertEquals([value.code, value.output], [64, ""]);
  assertMatch(value.errors, /^error: The value is refused: /);
});

test("set and patch name the state they create, and with --no-create create none", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  const patch = (...args: string[]) => ministateWith('{"b":2}\n', "patch", state, ...args);
  const set = (...args: string[]) => ministate("set", state, "/a", "1", ...args);
  for (const place of ["missing", "empty"]) {
    for (const call of [set, patch]) {
      const plain = await call("--no-create");
      assertEquals([plain.code, plain.output], [4, ""], place);
      assertMatch(plain.errors, /^error: There is no (directory|state in) "/);
      const program = await call("--no-create", "--json");
      assertEquals([program.code, errorOf(program).code], [4, "NO_STATE"], place);
    }
    assertEquals(
      await readdir(directory.path, { recursive: true }),
      place === "empty" ? ["state"] : [],
    );
    if (place === "missing") await mkdir(state);
  }
  for (const [i, call] of [set, patch].entries()) {
    await rm(state, { recursive: true });
    const made = await call();
    assertEquals(made.code, 0);
    const note = `There was no state in "${await realpath(state)}": a new one was created\n`;
    assertEquals(made.errors.split("\n")[0] + "\n", note);
    assert(!(await call()).errors.includes("There was no state"), "it is there now");
    assertEquals((await call("--no-create")).code, 0);
    await rm(state, { recursive: true });
    const program = await call("--json");
    assertEquals([JSON.parse(program.output).created, program.errors], [true, ""]);
    assertEquals("created" in JSON.parse((await call("--json")).output), false, String(i));
  }
});
