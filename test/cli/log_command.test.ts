// Tests `log`: any mutator's journal, a live one through rotation and compaction, and a reader that goes away.

import { appendFile, readdir } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MutationRejectedError } from "@ministate/ministate";
import { openCounter, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { begin, errorOf, jsonOf, ministate, outputOf } from "../support/command.ts";
import { runHere, Screen } from "../support/command_in_process.ts";

test("log prints any mutator's mutations, one a line, from and to where it is asked", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { clock: () => 0 });
  await manager.applyAll([{ a: 1 }, "two\u001b[31m\u009b31m", [3], null]);
  assertEquals(
    await outputOf("log", directory.path, "--from", "2", "--to", "3"),
    '       2  1970-01-01 00:00:00.000Z  "two\\u001b[31m\\u009b31m"\n' +
      "       3  1970-01-01 00:00:00.000Z  [3]\n",
  );
  const json = await outputOf("log", directory.path, "--json");
  assertEquals(
    json.trimEnd().split("\n").map((line) => JSON.parse(line).mutation),
    [{ a: 1 }, "two\u001b[31m\u009b31m", [3], null],
  );
  assertEquals(await outputOf("log", directory.path, "--from", "5"), "");
});

test("log and inspect say what was refused", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openCounter(directory.path, { clock: () => 0 });
  await manager.apply({ by: 1 });
  await assertRejects(() => manager.apply({ by: -2 }), MutationRejectedError);
  await manager.apply({ by: 3 });
  await manager.close();
  assertEquals(
    await outputOf("log", directory.path),
    '       1  1970-01-01 00:00:00.000Z  {"by":1}\n' +
      '       2  1970-01-01 00:00:00.000Z  {"by":-2}  (refused)\n' +
      '       3  1970-01-01 00:00:00.000Z  {"by":3}\n',
  );
  const json = await outputOf("log", directory.path, "--json");
  assertEquals(
    json.trimEnd().split("\n").map((line) => JSON.parse(line).refused === true),
    [false, true, false],
  );
  const { output } = await runHere(["inspect", directory.path]);
  assertMatch(output, /\n +\S+-0*1\.wal\.jsonl +1 to 3 .*\b1 refused\n/);
});

test("log says when compaction has deleted what it is asked for", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  for (let i = 0; i < 3; i++) {
    await manager.apply(i);
    await manager.compact();
  }
  const ended = await ministate("log", directory.path, "--from", "1", "--json");
  assertEquals([ended.code, errorOf(ended).code], [1, "HISTORY_GONE"]);
  assertMatch(await outputOf("log", directory.path), /^ +3 /);
});

test("log --follow continues through rotation, compaction and reopening, until Ctrl-C", async () => {
  await using directory = await temporaryDirectory();
  const options = { segmentSizeMax: 64 * 1024, compaction: "manual" as const };
  let manager = await openLedger(directory.path, options);
  await manager.apply(1);
  const { child, onLine, ended } = begin("log", directory.path, "--follow", "--json");
  const seen: number[] = [];
  let wanted = 1;
  let reached: () => void = () => {};
  onLine((line) => {
    seen.push(JSON.parse(line).mutation[0] ?? JSON.parse(line).mutation);
    if (seen.length >= wanted) reached();
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      wanted = count;
      reached = resolve;
      if (seen.length >= count) resolve();
    });
  await until(1);
  let next = 2;
  for (let round = 0; round < 4; round++) {
    await Promise.all(
      Array.from({ length: 500 }, () => manager.apply([next++, "x".repeat(200)])),
    );
    await until(next - 1);
    await manager.compact();
    if (round === 1) {
      await manager.close();
      manager = await openLedger(directory.path, options);
    }
  }
  await manager.apply(next);
  await until(next);
  process.kill(child.pid!, "SIGINT");
  const { code, errors } = await ended;
  assertEquals([code, errors], [130, ""]);
  assertEquals(seen, Array.from({ length: next }, (_, i) => i + 1));
  await manager.close();
  assert((await readdir(directory.path)).every((name) => !name.includes("-0000000000000001.wal")));
});

test("log ends quietly when its reader goes away", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll(Array.from({ length: 20_000 }, (_, i) => ({ i, text: "x".repeat(20) })));
  const { child, ended } = begin("log", directory.path);
  child.stdin!.end();
  child.stdout!.once("data", () => child.stdout!.destroy());
  const { code, errors } = await ended;
  assertEquals([code, errors], [0, ""]);
});

test("log says that a torn tail follows", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  await manager.applyAll([1, 2]);
  await manager.close();
  const { segments } = await jsonOf("inspect", directory.path);
  const path = directory.join(segments[0].name);
  await appendFile(path, "[3,tor");
  const torn = await ministate("log", directory.path);
  assertEquals([torn.code, torn.output.split("\n").length], [0, 3]);
  assertMatch(torn.errors, /6 bytes are a torn tail that was never acknowledged/);
});

test("log ends beside a writer that is faster than it", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll(["one", "two"]);
  const stdout = new (class extends Screen {
    // More is written, into a segment of its own, each time that something was printed.
    override async drained() {
      await manager.apply("more");
      await manager.createSnapshot();
    }
  })();
  stdout.pending = Infinity;
  const { code, output } = await runHere(["log", directory.path], { stdout });
  assertEquals([code, /two/.test(output)], [0, true]);
  assert(output.trimEnd().split("\n").length < 5, output);
});
