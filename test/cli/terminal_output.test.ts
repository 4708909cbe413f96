// Tests what people and programs see: words instead of JSON, colours, progress, questions, unexpected errors.

import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { runHere, Screen } from "../support/command_in_process.ts";

/** Six mutations, snapshots of sequence 2 and 4, a seal. */
async function makeState(path: string): Promise<void> {
  await using manager = await openLedger(path, { compaction: "manual", clock: () => 1e15 });
  for (let i = 1; i <= 6; i++) {
    await manager.apply({ number: i });
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
}

async function filesOf(path: string, suffix: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => name.endsWith(suffix)).sort()
    .map((name) => `${path}/${name}`);
}

async function change(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, "utf8");
  assertStringIncludes(text, from);
  await writeFile(path, text.replace(from, to));
}

test("snapshot, compact and backup show a person what they wrote and deleted", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  assertEquals((await runHere(["set", state, "/a", "1"])).output, "sequence 1\n");
  assertMatch(
    (await runHere(["snapshot", state])).output,
    /\.snapshot\.jsonl {2}sequence 1, \d+ B/,
  );
  const first = await runHere(["compact", state]);
  assertMatch(first.output, /sequence 1, \d+ B\nNothing to delete yet: the journal since/);
  await runHere(["set", state, "/a", "2"]);
  assertMatch(
    (await runHere(["compact", state])).output,
    /sequence 2, .*\ndeleted {2}.*wal\.jsonl\n/,
  );
  const copied = await runHere(["backup", state, directory.join("copy")]);
  assertMatch(copied.output, /copy {2}up to sequence 2, 4 files, [\d.]+ (Ki)?B\n$/);
  assertEquals(JSON.parse((await runHere(["compact", state, "--json"])).output).deleted, []);
});

test("backup accepts an existing destination without a state, but not a file", async () => {
  await using directory = await temporaryDirectory();
  const [state, empty, file] = ["state", "empty", "file"].map((name) => directory.join(name));
  await runHere(["set", state!, "/a", "1"]);
  await mkdir(empty!);
  assertEquals((await runHere(["backup", state!, empty!])).code, 0);
  await writeFile(file!, "");
  const refused = await runHere(["backup", state!, file!, "--json"]);
  assertEquals([refused.code, JSON.parse(refused.errors).error.systemCode], [5, "ENOTDIR"]);
});

test("a file in place of the directory is reported as the system's error, when reading and when writing", async () => {
  await using directory = await temporaryDirectory();
  const file = directory.join("file");
  await writeFile(file, "");
  for (const args of [["get", file], ["set", file, "/a", "1"]]) {
    const { code, errors } = await runHere([...args, "--json"]);
    assertEquals([code, JSON.parse(errors).error.systemCode], [5, "ENOTDIR"], args[0]);
  }
});

test("verify and repair show a person that nothing is lost when snapshots cover it, and report the repair", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.path);
  const [older] = await filesOf(directory.path, ".snapshot.jsonl");
  await change(older!, '"number":2', '"number":9');
  const verified = await runHere(["verify", directory.path]);
  assertEquals(verified.code, 2);
  assertMatch(verified.output, /^corrupt {2}.*, sequence 2: it is damaged near offset/);
  assertStringIncludes(verified.output, 'Nothing is lost: "ministate repair" sets the damaged');
  const declined = await runHere(["repair", directory.path], { person: true, input: "no\n" });
  assertEquals(declined.code, 1);
  assertStringIncludes(declined.errors, "Repair now? [y/N] Nothing was changed\n");
  const silent = await runHere(["repair", directory.path], { person: true, input: "" });
  assertEquals(silent.code, 1, "the input ended without an answer");
  const repaired = await runHere(["repair", directory.path], { person: true, input: "y\n" });
  assertEquals(repaired.code, 0);
  assertStringIncludes(
    repaired.output,
    "nothing: other snapshots and the journal replace what is damaged",
  );
  assertMatch(repaired.output, /set aside {2}.*\/quarantine\/.*snapshot\.jsonl\n/);
  assertStringIncludes(repaired.output, "the state continues from sequence 6");
  const again = await runHere(["repair", directory.path]);
  assertEquals(again.output, "Nothing to repair: sound up to sequence 6\n");
  const inspected = await runHere(["inspect", directory.path]);
  assertMatch(inspected.output, /\nquarantine\n {2}test-\d+\.snapshot\.jsonl {2}\d+ B\n/);
  assertStringIncludes(inspected.output, "a mutator without a name");
});

test("verify, inspect and repair show a person what would be lost, and ask only when somebody can answer", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.path);
  await change((await filesOf(directory.path, ".wal.jsonl")).at(-1)!, '"number":5', '"number":8');
  const verified = await runHere(["verify", directory.path]);
  assertEquals(verified.code, 2);
  assertStringIncludes(verified.output, "The next open will refuse");
  const inspected = await runHere(["inspect", directory.path]);
  assertStringIncludes(inspected.output, "would keep the state up to sequence 4 and lose 5 to 6");
  for (const setting of [{ stdinIsTerminal: true }, { person: true, stdinIsTerminal: false }]) {
    assertEquals((await runHere(["repair", directory.path], setting)).code, 64);
  }
  const program = await runHere(["repair", directory.path, "--json"], { person: true });
  assertEquals([program.code, JSON.parse(program.errors).error.code], [64, "USAGE"]);
  const backup = await runHere(["backup", directory.path, directory.join("copy")]);
  assertMatch(backup.errors, /^error: Cannot back up .*: a copy would lose acknowledged mutations/);
  for (const suffix of [".snapshot.jsonl", "1.wal.jsonl"]) {
    for (const path of await filesOf(directory.path, suffix)) await rm(path);
  }
  const missing = await runHere(["backup", directory.path, directory.join("copy"), "--json"]);
  const { code, path, offset } = JSON.parse(missing.errors).error;
  assertEquals([code, path, offset], ["CORRUPT", directory.path, undefined]);
});

test("repair exits 2 when the disk keeps rotting", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.path);
  const [older, newer] = await filesOf(directory.path, ".snapshot.jsonl");
  await change(older!, '"number":2', '"number":9');
  const fs = await wrapFs(() => {});
  const rotting = {
    ...fs,
    async lock(path: string, directory?: string) {
      const lock = await fs.lock(path, directory);
      return lock && {
        identity: () => lock.identity(),
        async release() {
          await lock.release();
          await change(newer!, '"number":2', '"number":9');
        },
      };
    },
  };
  const repaired = await runHere(["repair", directory.path, "--yes", "--json"], { fs: rotting });
  assertEquals([repaired.code, JSON.parse(repaired.output).verdict], [2, "corrupt"]);
});

test("inspect lists unfinished files and an unknown identity", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("test-0000000000000001.wal.jsonl"), "{}\n");
  await writeFile(directory.join("test-0000000000000009.wal.jsonl.tmp"), "x".repeat(2048));
  const { output } = await runHere(["inspect", directory.path]);
  assertMatch(output, /\njournal {5}test\.wal\.jsonl, identity unknown\n/);
  assertMatch(output, /, version unknown\n/);
  assertMatch(output, /\nnever finished\n {2}test-0000000000000009\.wal\.jsonl\.tmp {2}2\.0 KiB\n/);
});

test("inspect says that the next open starts from the initial state when there is no snapshot", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const { output } = await runHere(["inspect", directory.path]);
  assertStringIncludes(output, "starts from the initial state, replays 1 mutation\n");
});

test("log begins with sequence 1 when there are only snapshots, and prints times beyond all calendars", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { clock: () => 9e15 });
  await manager.apply("far");
  assertEquals(
    (await runHere(["log", directory.path])).output,
    '       1  9000000000000000  "far"\n',
  );
  await manager.createSnapshot();
  await manager.close();
  for (const path of await filesOf(directory.path, ".wal.jsonl")) await rm(path);
  const { output } = await runHere(["log", directory.path]);
  assertEquals(output, "");
});

test("log doesn't mention a torn tail that was gone when it looked again", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  await manager.apply("kept");
  await manager.close();
  const [segment] = await filesOf(directory.path, ".wal.jsonl");
  const sound = await readFile(segment!);
  await appendFile(segment!, "[2,{to");
  const fs = await wrapFs(() => {});
  let lists = 0;
  const healing = {
    ...fs,
    async list(path: string) {
      // The cursor has met the tail by the time it looks for a later segment.
      if (++lists === 4) await writeFile(segment!, sound);
      return await fs.list(path);
    },
  };
  const { code, errors } = await runHere(["log", directory.path], { fs: healing });
  assertEquals([code, errors], [0, ""]);
});

test("an error that should not be possible exits 70, with its place when MINISTATE_DEBUG is set", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  for (const thrown of [new TypeError("a bug"), new Error("a bug")]) {
    const fail = () => {
      const stdout = new Screen();
      stdout.onWrite = () => {
        throw thrown;
      };
      return stdout;
    };
    const plain = await runHere(["get", directory.path], { stdout: fail() });
    assertEquals([plain.code, plain.errors], [70, "error: a bug\n"]);
    const env = { MINISTATE_DEBUG: "1" };
    const traced = await runHere(["get", directory.path], { stdout: fail(), env });
    assertEquals(traced.code, 70);
    assertMatch(traced.errors, /^error: a bug\n[^]*terminal_output\.test\.ts/);
  }
});

test("an output that can't be written is an error of the system", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const stdout = new Screen();
  stdout.failure = systemError("EIO");
  const { code, errors } = await runHere(["get", directory.path, "--json"], { stdout });
  assertEquals([code, JSON.parse(errors).error.code], [5, "IO_FAILED"]);
});

test("colours are for terminals that take them, where the environment may be read", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const run = (setting: object) =>
    runHere(["verify", directory.path], { person: true, ...setting });
  assertStringIncludes((await run({})).output, "\u001b[32msound\u001b[39m");
  for (
    const setting of [
      { envReadable: false },
      { env: { NO_COLOR: "1" } },
      { env: { TERM: "dumb" } },
      { person: false },
      { env: { FORCE_COLOR: "0" } },
      { env: { FORCE_COLOR: "false" } },
      { env: { NO_COLOR: "1", FORCE_COLOR: "1" } },
      { person: false, env: { FORCE_COLOR: "" } },
      { person: false, env: { FORCE_COLOR: "1" }, envReadable: false },
    ]
  ) {
    assertMatch((await run(setting)).output, /^sound: /, JSON.stringify(setting));
  }
});

test("FORCE_COLOR colours both outputs without a terminal, but never JSON", async () => {
  await using directory = await temporaryDirectory();
  await runHere(["set", directory.path, "/a", "1"]);
  const forced: Record<string, string>[] = [
    { FORCE_COLOR: "1" },
    { FORCE_COLOR: "3", TERM: "dumb", NO_COLOR: "" },
  ];
  for (const env of forced) {
    const { output } = await runHere(["verify", directory.path], { env });
    assertStringIncludes(output, "\u001b[32msound\u001b[39m");
    const { errors } = await runHere(["get", directory.path, "/b"], { env });
    assertStringIncludes(errors, "\u001b[31merror:\u001b[39m");
    for (const command of ["get", "log", "inspect", "verify", "repair", "snapshot", "compact"]) {
      const program = await runHere([command, directory.path, "--json"], { env });
      assert(!(program.output + program.errors).includes("\u001b"), command);
    }
  }
});

test("every command refuses an empty path as a wrong argument", async () => {
  for (const command of ["get", "log", "inspect", "verify", "repair", "backup", "doctor"]) {
    const { code, errors } = await runHere([command, "", ...(command === "backup" ? ["x"] : [])]);
    assertEquals([command, code], [command, 64]);
    assertStringIncludes(errors, "a non-empty path");
  }
});
