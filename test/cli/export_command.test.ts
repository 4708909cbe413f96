// Tests `export`: what it writes, beside a writer and of any program, and that a file is never half there.

import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { PowerCutDisk } from "../../testing.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { begin, errorOf, jsonOf, ministate, ministateWith, outputOf } from "../support/command.ts";
import { runHere, Screen } from "../support/command_in_process.ts";
import { cutEverywhere } from "../support/every_cut.ts";
import { openLedger } from "../support/samples.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";

const STATE = "/data/state";
const FILE = "/data/out/document.json";
const LARGE = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => ({ i, text: `item ${i}` })));

async function withDocument(text: string): Promise<PowerCutDisk> {
  const fs = freshDisk();
  fs.plantDirectory("/data/out");
  assertEquals((await runHere(["import", STATE, "-"], { fs, input: text })).code, 0);
  return fs;
}

const textOf = (fs: PowerCutDisk) => {
  const bytes = fs.peek(FILE);
  return bytes && new TextDecoder().decode(bytes);
};

async function withFile(use: (state: string, directory: TemporaryDirectory) => Promise<void>) {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await ministateWith('{"b":1,"a":[]}', "import", state, "-");
  await use(state, directory);
}

test("export writes a file, and refuses one that is there unless it is told to", () =>
  withFile(async (state, directory) => {
    const file = directory.join("out.json");
    assertMatch(await outputOf("export", state, file), /out\.json {2}sequence 0, 15 B\n$/);
    assertEquals(await readFile(file, "utf8"), '{"b":1,"a":[]}\n');
    await outputOf("set", state, "/c", "2");
    const refused = await ministate("export", state, file, "--json");
    assertEquals([refused.code, errorOf(refused).code], [1, "FILE_EXISTS"]);
    assertEquals(await readFile(file, "utf8"), '{"b":1,"a":[]}\n');
    const report = await jsonOf("export", state, file, "--replace");
    assertEquals(report, { exported: true, path: file, sequence: 1, size: 21 });
    assertEquals(await readFile(file, "utf8"), '{"b":1,"a":[],"c":2}\n');
    assertEquals((await readdir(directory.path)).sort(), ["out.json", "state"]);
  }));

test("export replaces only files, and nothing in the state directory", () =>
  withFile(async (state, directory) => {
    await mkdir(directory.join("folder"));
    await writeFile(directory.join("file"), "kept");
    await symlink("file", directory.join("link"));
    const names = await readdir(state);
    const segment = names.find((name) => name.endsWith(".wal.jsonl"))!;
    for (const file of ["folder", "link", `state/${segment}`, "state/new.json"]) {
      const ended = await ministate("export", state, directory.join(file), "--replace");
      assertEquals(ended.code, 64, file);
    }
    assertEquals((await ministate("export", state, "/", "--replace")).code, 64);
    for (const [file, systemCode] of [["none/x.json", "ENOENT"], ["file/x.json", "ENOTDIR"]]) {
      const ended = await ministate("export", state, directory.join(file!), "--json");
      assertEquals([ended.code, errorOf(ended).systemCode], [5, systemCode]);
    }
    assertEquals([await readdir(state), await readFile(directory.join("file"), "utf8")], [
      names,
      "kept",
    ]);
    assertEquals((await ministate("export", directory.join("none"))).code, 4);
  }));

test("export reads beside a running writer, without waiting for it", async () => {
  await using directory = await temporaryDirectory();
  const { child, onLine, ended } = begin("patch", directory.path, "--ack");
  const acknowledged = new Promise<void>((resolve) => onLine(() => resolve()));
  child.stdin!.write('{"a":1}\n');
  await acknowledged;
  assertEquals(await jsonOf("export", directory.path), { a: 1 });
  child.stdin!.end();
  assertEquals((await ended).code, 0);
});

test("export writes the newest snapshot of another program, and says what is not in it", async () => {
  await using directory = await temporaryDirectory();
  const ledger = await openLedger(directory.path);
  await ledger.apply(1);
  await ledger.createSnapshot();
  const whole = await ministate("export", directory.path);
  assertEquals([whole.code, whole.output, whole.errors], [0, '{"entries":[1]}\n', ""]);
  await ledger.apply(2);
  await ledger.apply(3);
  await ledger.close();
  const ended = await ministate("export", directory.path);
  assertEquals([ended.code, ended.output], [0, '{"entries":[1]}\n']);
  assertStringIncludes(ended.errors, "2 later mutations");
  const module = directory.join("ledger.mjs");
  await writeFile(
    module,
    `export const ledger = {
      initial: () => ({ entries: [] }),
      apply: (state, entry) => state.entries.push(entry),
    };`,
  );
  const replayed = await ministate(
    "export",
    directory.path,
    "--mutator",
    module,
    "--export",
    "ledger",
  );
  assertEquals([replayed.output, replayed.errors], ['{"entries":[1,2,3]}\n', ""]);
});

test("export writes a large document, waits for a slow reader, and stops when it is gone", async () => {
  const fs = await withDocument(LARGE);
  const stdout = new Screen();
  stdout.onWrite = (text) => stdout.pending += text.length;
  const { code } = await runHere(["export", STATE], { fs, stdout });
  assertEquals([code, stdout.text === `${LARGE}\n`], [0, true]);
  assert(stdout.drains > 5, `${stdout.drains}`);
  const gone = new Screen();
  gone.onWrite = () => gone.closed = true;
  assertEquals((await runHere(["export", STATE], { fs, stdout: gone })).code, 1);
  assert(gone.text.length < LARGE.length / 2);
});

test("Ctrl-C ends an export: to standard output in the middle, and without a file", async () => {
  const fs = await withDocument(LARGE);
  const interruption = new AbortController();
  const stdout = new Screen();
  stdout.onWrite = () => interruption.abort("SIGINT");
  const setting = { fs, stdout, interruption: interruption.signal };
  assertEquals((await runHere(["export", STATE], setting)).code, 130);
  assert(stdout.text.length < LARGE.length / 2);
  const now = performance.now.bind(performance);
  let looks = 0;
  performance.now = () => now() + 1000 * ++looks;
  try {
    const signal = { fs, interruption: interruption.signal };
    const ended = await runHere(["export", STATE, FILE], signal);
    assertEquals([ended.code, ended.errors], [130, `Interrupted: "${FILE}" was not written\n`]);
    const json = await runHere(["export", STATE, FILE, "--json"], signal);
    assertEquals(JSON.parse(json.output), { exported: false, interrupted: true });
  } finally {
    performance.now = now;
  }
  assertEquals(fs.paths("/data/out"), []);
});

test("export to a file is whole or absent after a power cut at any call", async () => {
  const base = await withDocument('{"new":true}');
  for (const old of [undefined, "old"]) {
    let whole = 0;
    const start = base.image();
    if (old !== undefined) start.plant(FILE, new TextEncoder().encode(old));
    await cutEverywhere(
      () => ({ done: false }),
      async (fs, progress) => {
        const { code, errors } = await runHere(["export", STATE, FILE, "--replace"], { fs });
        if (code !== 0) throw new Error(errors);
        progress.done = true;
      },
      async (fs, { done }, at) => {
        const text = textOf(fs);
        const isNew = text === '{"new":true}\n';
        // On FAT, the name leads to an empty file for a moment, before the command says that it is there.
        const isUnfinished = text === (old ?? null) || old === undefined && text === "";
        assert(isNew || isUnfinished && !done, `cut at ${at}: ${text}`);
        if (isNew) whole++;
        const { code } = await runHere(["export", STATE, FILE, "--replace"], { fs });
        assertEquals([code, textOf(fs)], [0, '{"new":true}\n']);
        assertEquals(fs.paths("/data/out"), [FILE]);
      },
      () => start.image(),
    );
    assert(whole > 0);
  }
});

test("export on a full disk leaves the file that was there, and no other", async () => {
  const base = await withDocument(LARGE);
  base.plant(FILE, new TextEncoder().encode("old"));
  const rehearsal = base.image();
  await runHere(["export", STATE, FILE, "--replace"], { fs: rehearsal });
  const first = rehearsal.log.findIndex((line) => line.startsWith("create /data/out"));
  assert(first >= 0 && base.image().calls === 0);
  for (const more of [1, 3, 9]) {
    const fs = base.image();
    fs.fault = { at: first + more, how: "ENOSPC", sticky: true };
    const { code, errors } = await runHere(["export", STATE, FILE, "--replace"], { fs });
    assertEquals(code, 5);
    assertMatch(errors, /Cannot write "\/data\/out\/document.json": the disk is full/);
    assertEquals([fs.paths("/data/out"), textOf(fs)], [[FILE], "old"]);
  }
});

test("export shows a person how much it has written", async () => {
  const fs = await withDocument(LARGE);
  const { errors, code } = await runHere(["export", STATE, FILE], { fs, person: true });
  assertEquals(code, 0);
  assertMatch(errors, /write {2}0 B {2}0 B\/s/);
});
