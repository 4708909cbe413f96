// Tests `import`: what it makes of a file, what it refuses, and that nothing is half imported.

import { readdir, writeFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { DOCUMENT_JOURNAL, documentMutator } from "../../cli/document.ts";
import type { PowerCutDisk } from "../../testing.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { begin, errorOf, jsonOf, ministate, ministateWith, outputOf } from "../support/command.ts";
import { runHere, Screen, type Setting } from "../support/command_in_process.ts";
import { cutEverywhere } from "../support/every_cut.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError } from "../support/wrapped_fs.ts";

const STATE = "/data/state";
const encoder = new TextEncoder();

/** Imports a text on a simulated disk. */
function importText(fs: PowerCutDisk, input: string, ...options: string[]) {
  return runHere(["import", STATE, "-", ...options], { fs, input });
}

async function documentOf(fs: PowerCutDisk): Promise<string> {
  const { code, output, errors } = await runHere(["get", STATE, "--json"], { fs });
  assertEquals(code, 0, errors);
  return output.trimEnd();
}

const open = (fs: PowerCutDisk) =>
  StateManager.open(STATE, DOCUMENT_JOURNAL, documentMutator, { fs });

test("import makes a document of a file, and export gives the same text back", async () => {
  await using directory = await temporaryDirectory();
  const [file, state] = [directory.join("in.json"), directory.join("state")];
  const text = '{"b":[1,2.5,{"z":null,"a":"é😀\\n"}],"a":{},"__proto__":[true,""],"10":"a"}\n';
  // A BOM, which Windows writes, is not part of the value.
  await writeFile(file, `\ufeff${text}`);
  assertMatch(
    await outputOf("import", state, file),
    /state\/document-0{15}1\.wal\.jsonl {2}sequence 0, \d+ B\n$/,
  );
  assertEquals(await outputOf("export", state), JSON.stringify(JSON.parse(text)) + "\n");
  const { verdict, nextOpen } = await jsonOf("inspect", state);
  assertEquals([verdict, nextOpen.outcome, nextOpen.sequence], ["sound", "open", 0]);
  assertEquals(await outputOf("log", state), "");
  await outputOf("set", state, "/c", "1");
  assertEquals(await jsonOf("get", state, "/c"), 1);
});

test("an imported document has a past, and passes its verification", async () => {
  const fs = freshDisk();
  assertEquals((await importText(fs, '{"n":0}')).code, 0);
  const manager = await open(fs);
  for (let n = 1; n <= 3; n++) {
    await manager.apply({ n });
    await manager.compact();
    assertEquals(await manager.stateAt(n), { n });
    if (n === 1) assertEquals(await manager.stateAt(0), { n: 0 });
  }
  assertEquals((await manager.verify()).difference, null);
  await manager.close();
  assertEquals(await documentOf(fs), '{"n":3}');
});

test("import with --json prints what it wrote", async () => {
  const fs = freshDisk();
  const first = JSON.parse((await importText(fs, "[1]", "--json")).output);
  assertEquals([first.imported, first.sequence, first.setAside, first.stays], [true, 0, [], []]);
  assertStringIncludes(first.path, `${STATE}/document-`);
  assertEquals(first.size, fs.peek(first.path)!.length);
  const second = JSON.parse((await importText(fs, "[2]", "--json", "--replace")).output);
  assertEquals(second.setAside.length, 1);
});

test("import refuses to replace a document unless it is told to", async () => {
  const fs = freshDisk();
  await runHere(["set", STATE, "/a", "1"], { fs });
  const before = fs.fingerprint();
  const refused = await importText(fs, "[]");
  assertEquals([refused.code, fs.fingerprint()], [1, before]);
  assertMatch(refused.errors, /There is a document in "\/data\/state" already.*--replace/);
  const replaced = await importText(fs, "[]", "--replace");
  assertEquals(replaced.code, 0);
  assertMatch(replaced.output, /\.2\.wal\.jsonl {2}sequence 0.*\nset aside {2}.*quarantine/);
  assertEquals(await documentOf(fs), "[]");
});

test("import names what only fsck can move away", async () => {
  const fs = freshDisk();
  await runHere(["set", STATE, "/a", "1"], { fs });
  const stuck = (path: string) => {
    if (path.endsWith("1.wal.jsonl")) throw systemError("EBADMSG");
  };
  const { rename, remove } = fs;
  fs.rename = async (from, to) => (stuck(from), await rename.call(fs, from, to));
  fs.remove = async (path) => (stuck(path), await remove.call(fs, path));
  const { code, output } = await importText(fs, "[]", "--replace");
  assertEquals(code, 0);
  assertMatch(output, /^stays {6}\S+1\.wal\.jsonl: it is ignored; unmount and run fsck$/m);
  assertEquals(await documentOf(fs), "[]");
});

test("import begins where a power cut on FAT has left an empty segment", async () => {
  const fs = freshDisk();
  fs.plantDirectory(STATE);
  fs.plant(`${STATE}/document-0000000000000001.wal.jsonl`, new Uint8Array());
  assertEquals((await importText(fs, "[1]")).code, 0);
  assertEquals(await documentOf(fs), "[1]");
});

test("import never replaces the state of another program, or one that is open", async () => {
  await using directory = await temporaryDirectory();
  const ledger = await openLedger(directory.path);
  const locked = await ministateWith("[]", "import", directory.path, "-", "--replace");
  assertEquals(locked.code, 3);
  await ledger.close();
  for (const options of [[], ["--replace"]]) {
    const ended = await ministateWith("[]", "import", directory.path, "-", "--json", ...options);
    assertEquals([ended.code, errorOf(ended).code], [4, "FOREIGN_FORMAT"]);
  }
});

test("import doesn't replace a state that began while the file was read", async () => {
  const fs = freshDisk();
  async function* input() {
    yield encoder.encode("[1,");
    await runHere(["set", STATE, "/a", "1"], { fs });
    yield encoder.encode("2]");
  }
  const { code, errors } = await runHere(["import", STATE, "-"], { fs, input: input() });
  assertEquals(code, 1);
  assertStringIncludes(errors, "There is a document in");
  assertEquals(await documentOf(fs), '{"a":1}');
});

test("import keeps a string of 64 MiB", async () => {
  await using directory = await temporaryDirectory();
  const [file, state, out] = ["in.json", "state", "out.json"].map((name) => directory.join(name));
  const text = `"${"0123456789abcdef".repeat(4 * 1024 * 1024)}"\n`;
  await writeFile(file!, text);
  await outputOf("import", state!, file!);
  assertEquals((await jsonOf("export", state!, out!)).size, text.length);
  assertEquals((await ministate("verify", state!)).code, 0);
});

test("import on a full disk changes nothing", async () => {
  const fs = freshDisk();
  await runHere(["set", STATE, "/a", "1"], { fs });
  const paths = fs.paths("");
  fs.fault = { at: fs.calls + 8, how: "ENOSPC", sticky: true };
  const { code, errors } = await importText(fs, "[]", "--replace");
  assertEquals(code, 5);
  assertMatch(errors, /the disk is full/);
  fs.fault = null;
  assertEquals([fs.paths(""), await documentOf(fs)], [paths, '{"a":1}']);
});

test("import is there, whole or not at all, after a power cut at any call", async () => {
  const base = freshDisk();
  await runHere(["set", STATE, "/old", "true"], { fs: base });
  for (const old of [null, base]) {
    let whole = 0;
    await cutEverywhere(
      () => ({ done: false }),
      async (fs, progress) => {
        const { code, errors } = await importText(fs, '{"new":[1,2]}', "--replace");
        if (code !== 0) throw new Error(errors);
        progress.done = true;
      },
      async (fs, { done }, at) => {
        const { code, output } = await runHere(["get", STATE, "--json"], { fs });
        const isNew = output === '{"new":[1,2]}\n';
        const isOld = old === null ? code === 4 : output === '{"old":true}\n';
        assert(isNew || isOld && !done, `cut at ${at}: ${output}`);
        if (isNew) whole++;
        if (old !== null) return;
        // What is left is no obstacle to another attempt.
        assertEquals((await importText(fs, "[3]", "--replace")).code, 0);
        assertEquals(await documentOf(fs), "[3]");
      },
      () => old?.image() ?? freshDisk(),
    );
    assert(whole > 0);
  }
});

test("Ctrl-C while the file is read imports nothing and makes no directory", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await using ready = await temporaryDirectory();
  assertEquals((await ministateWith("[0]", "import", ready.path, "-")).code, 0);
  const { child, ended } = begin("import", ready.path, "-", "--replace");
  // More than waits in a pipe: once it is written, the command has begun to read, and so has the lock.
  const text = "[" + "1,".repeat(2 * 1024 * 1024);
  await new Promise((resolve) => child.stdin!.write(text, resolve));
  assertEquals((await ministate("import", ready.path, "-")).code, 3);
  process.kill(child.pid!, "SIGINT");
  const { code, errors } = await ended;
  assertEquals(code, 130);
  assertMatch(errors, /^Interrupted: nothing was imported, and nothing was changed$/m);
  assertEquals(await jsonOf("export", ready.path), [0]);

  const interruption = new AbortController();
  async function* input() {
    yield encoder.encode("[1");
    await Promise.resolve();
    interruption.abort("SIGTERM");
  }
  const setting = { input: input(), interruption: interruption.signal };
  const terminated = await runHere(["import", state, "-", "--json"], setting);
  assertEquals(terminated.code, 143);
  assertEquals(JSON.parse(terminated.output), { imported: false, interrupted: true });
  assertEquals(await readdir(directory.path), []);
});

test("import listens for an interrupt before it takes the lock", async () => {
  const fs = freshDisk();
  await importText(fs, "[0]");
  let listens = false;
  const { lock } = fs;
  fs.lock = (path, directory) => {
    assert(listens, "locked before");
    return lock.call(fs, path, directory);
  };
  const setting: Setting = {
    fs,
    input: "[1]",
    get interruption() {
      listens = true;
      return undefined;
    },
  };
  assertEquals((await runHere(["import", STATE, "-", "--replace"], setting)).code, 0);
  assert(listens);
});

test("Ctrl-C while the document is written leaves the one before", async () => {
  const fs = freshDisk();
  await importText(fs, "[0]");
  const paths = fs.paths("");
  const interruption = new AbortController();
  const { open } = fs;
  fs.open = async (path, mode) => {
    if (mode === "create") interruption.abort("SIGINT");
    return await open.call(fs, path, mode);
  };
  // So slow that it lets the system report the interrupt.
  const text = JSON.stringify(
    Array.from({ length: 100_000 }, (_, i) => ({ i, text: `item ${i}` })),
  );
  const setting: Setting = { fs, input: text, interruption: interruption.signal };
  const now = performance.now.bind(performance);
  let looks = 0;
  performance.now = () => now() + 1000 * ++looks;
  try {
    const { code, errors } = await runHere(["import", STATE, "-", "--replace"], setting);
    assertEquals(code, 130);
    assertMatch(errors, /Interrupted: nothing was imported/);
  } finally {
    performance.now = now;
  }
  assertEquals([fs.paths(""), await documentOf(fs)], [paths, "[0]"]);
});

test("import shows a person how far it has come", async () => {
  const fs = freshDisk();
  const stderr = new Screen();
  const text = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => i));
  const setting = { fs, input: text, size: text.length, stderr, person: true };
  const { code, errors } = await runHere(["import", STATE, "in.json"], setting);
  assertEquals(code, 0);
  assertMatch(errors, /read {2}░+ 0% {2}0 B {2}0 B\/s/);
  assertMatch(errors, /write {2}0 B {2}0 B\/s/);
  assert(errors.endsWith("\r\x1b[K"), JSON.stringify(errors.slice(-40)));
});
