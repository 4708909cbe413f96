// Tests that files are readable only by their owner, and that `jq` reads every line of every file.

import { execFile } from "node:child_process";
import { appendFile, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { assert, assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { without } from "../support/tools.ts";

const runProgram = promisify(execFile);

test("files are readable only by their owner, whatever the umask", async () => {
  await using directory = await temporaryDirectory();
  const root = directory.join("a", "b", "state");
  const umask = process.umask(0);
  try {
    await using manager = await openLedger(root, { segmentSizeMax: 65_536 });
    await manager.applyAll([1, 2]);
    await manager.compact();
    await manager.backup(join(root, "backup"));
    await appendFile(manager.journalPath, "torn");
  } finally {
    process.umask(umask);
  }
  await using manager = await openLedger(root);
  let count = 0;
  for await (const { path, isDirectory } of walk(directory.join("a"))) {
    assertEquals((await stat(path)).mode & 0o777, isDirectory ? 0o700 : 0o600, path);
    count++;
  }
  assert(count >= 10, `${count} files`);
  assertEquals(manager.sequence, 2);
});

/** Reads a file with jq and gives what it printed, one compact value a line. */
async function jq(path: string): Promise<string[]> {
  const { stdout } = await runProgram("jq", ["-c", ".", path], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trimEnd().split("\n");
}

const skip = without("jq");

test("jq reads every line of every file, after a close and a crash", { skip }, async () => {
  await using directory = await temporaryDirectory();
  const awkward = { 'quo"te': "\u2028\u0000 ä 😀", nested: [[], {}, null, -1e-7, "[1,2]\n"] };
  const manager = await openLedger(directory.path, { segmentSizeMax: 65_536 });
  for (let i = 0; i < 200; i++) await manager.apply({ i, ...awkward, filler: "x".repeat(500) });
  await manager.compact();
  await manager.apply("last");
  const filled = await stat(manager.journalPath);
  assertEquals(
    (await jq(manager.journalPath)).length,
    2,
    "header and record, followed by the fill",
  );
  await manager.close();
  assert((await stat(manager.journalPath)).size < filled.size, "the fill is trimmed");
  let records = 0;
  for (const name of await readdir(directory.path)) {
    if (!name.endsWith(".jsonl")) continue;
    const lines = await jq(directory.join(name));
    const text = await readFile(directory.join(name), "utf8");
    assertEquals(lines.length, text.trimEnd().split("\n").length, name);
    assert(text.endsWith("\n"));
    assertEquals(JSON.parse(lines[0]!).format, 1);
    if (name.includes(".wal.")) records += lines.filter((line) => /^\[\d/.test(line)).length;
  }
  assertEquals(records, 201);
});

/** As `jq`, again when a piece of the file was read before a batch was written into it and the next piece after. */
async function jqLive(path: string): Promise<string[]> {
  for (let attempt = 1;; attempt++) {
    try {
      return await jq(path);
    } catch (error) {
      if (attempt === 10 || !String(error).includes("parse error")) throw error;
    }
  }
}

test("jq reads the journal while it is being written", { skip }, async () => {
  await using directory = await temporaryDirectory();
  // One segment holds them all, however fast the disk is: `sequence` is how many records it must have.
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  let isOver = false;
  const writing = Promise.all(["a", "b"].map(async (name) => {
    for (; !isOver; await setTimeout(1)) {
      for (let i = 0; i < 5; i++) await manager.apply({ name, filler: "x".repeat(50) });
    }
  }));
  try {
    for (let i = 0; i < 10; i++) {
      const before = manager.sequence;
      const lines = await jqLive(manager.journalPath);
      assert(lines.length - 1 >= before, `${lines.length} lines, ${before} acknowledged`);
    }
  } finally {
    isOver = true;
    await writing;
  }
});
