// Tests `log`: any mutator's journal, a live one through rotation and compaction, and a reader that goes away.

import { appendFile, readdir } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MutationRejectedError } from "@ministate/ministate";
import { processMachine } from "../../cli/process/machine.ts";
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

test("log --last begins so many before the end, in an earlier segment if need be", async () => {
  await using directory = await temporaryDirectory();
  const options = { clock: () => 0, compaction: "manual" as const, segmentSizeMax: 64 * 1024 };
  await using manager = await openLedger(directory.path, options);
  const long = "x".repeat(3000);
  for (let i = 1; i <= 50; i++) await manager.apply([i, long]);
  const segments = (await readdir(directory.path)).filter((name) => name.endsWith(".wal.jsonl"));
  assert(segments.length > 2);
  const firstAndLast = async (...args: string[]) => {
    const { code, output, errors } = await runHere(["log", directory.path, "--json", ...args]);
    assertEquals([code, errors], [0, ""]);
    const lines = output.split("\n").slice(0, -1).map((line) => JSON.parse(line).sequence);
    return [lines[0], lines.at(-1), lines.length];
  };
  assertEquals(await firstAndLast("--last", "1"), [50, 50, 1]);
  assertEquals(await firstAndLast("--last", "45"), [6, 50, 45]);
  assertEquals(await firstAndLast("--last", "1000"), [1, 50, 50]);
  assertEquals(await firstAndLast("--last", "2", "--to", "10"), [9, 10, 2]);
  assertEquals(await firstAndLast("--last", "0"), [undefined, undefined, 0]);
  const both = await runHere(["log", directory.path, "--last", "1", "--from", "2"]);
  assertEquals([both.code, both.output], [64, ""]);
});

test("log --since leaves out what was written before, however often the clock was set", async () => {
  await using directory = await temporaryDirectory();
  const hour = 3_600_000;
  let now = Date.parse("2026-11-26T03:00:00Z");
  await using manager = await openLedger(directory.path, { clock: () => now });
  for (const [i, step] of [0, hour, -2 * hour, 3 * hour].entries()) {
    now += step;
    await manager.apply(i);
  }
  // At 3, 4, 2 and 5 o'clock; it is 5 now.
  const machine = { ...processMachine(), now: () => now };
  const printed = async (since: string) => {
    const args = ["log", directory.path, "--json", "--since", since];
    const { code, output, errors } = await runHere(args, { machine });
    assertEquals([code, errors], [0, ""], since);
    return output.split("\n").slice(0, -1).map((line) => JSON.parse(line).mutation);
  };
  assertEquals(await printed("2026-11-26"), [0, 1, 2, 3]);
  assertEquals(await printed("2026-11-26 03:00"), [0, 1, 3]);
  assertEquals(await printed("2026-11-26 03:00:00.001Z"), [1, 3]);
  assertEquals(await printed("2026-11-26T05:00:00+01:00"), [1, 3]);
  assertEquals(await printed("59m"), [3]);
  assertEquals(await printed("1h"), [1, 3]);
  assertEquals(await printed("1d"), [0, 1, 2, 3]);
  for (const wrong of ["", "yesterday", "2026-13-01", "5", "2026-11-26 25:00", "3:00"]) {
    const { code, output, errors } = await runHere(["log", directory.path, "--since", wrong]);
    assertEquals([code, output], [64, ""], wrong);
    assertMatch(errors, /--since wants a time, such as "2026-11-26 03:00" \(UTC\) or 90m, got/);
  }
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
