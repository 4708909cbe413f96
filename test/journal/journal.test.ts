// Tests the public Journal: appended durably, replayed in order, opened beside a state manager's files.

import { appendFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { HistoryGoneError } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { assertFails } from "../support/errors.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

async function replay<M>(journal: Journal<M>, range = {}): Promise<[number, M][]> {
  const records: [number, M][] = [];
  for await (const { sequence, timestamp, mutation } of journal.replay(range)) {
    assert(Number.isSafeInteger(timestamp));
    records.push([sequence, mutation]);
  }
  return records;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("append() and appendAll() give sequences, and replay() gives the values in order", async () => {
  await using directory = await temporaryDirectory();
  {
    await using journal = await Journal.open<string>(directory.path, journalName);
    assertEquals(journal.sequence, 0);
    assertEquals(await replay(journal), []);
    assertEquals(await journal.append("a"), { sequence: 1 });
    assertEquals(await journal.appendAll(["b", "c"]), { sequenceFirst: 2, sequenceLast: 3 });
    assertEquals(await journal.appendAll([]), null);
    const calls = ["d", "e", "f"].map((value) => journal.append(value));
    assertEquals((await Promise.all(calls)).map(({ sequence }) => sequence), [4, 5, 6]);
    assertEquals(journal.stateDir, directory.path);
    assert(journal.journalPath.startsWith(directory.path));
  }
  await using journal = await Journal.open<string>(directory.path, journalName);
  assertEquals(journal.recovery.replayed, 6);
  assertEquals(journal.sequence, 6);
  assertEquals(await replay(journal), [..."abcdef"].map((value, i) => [i + 1, value]));
  assertEquals(await replay(journal, { from: 3, to: 4 }), [[3, "c"], [4, "d"]]);
  assertEquals(await replay(journal, { from: 6 }), [[6, "f"]]);
  assertEquals(await replay(journal, { from: 7 }), []);
  assertEquals(await replay(journal, { from: 5, to: 4 }), []);
  assertEquals(await replay(journal, { to: 2 }), [[1, "a"], [2, "b"]]);
  for (const range of [{ from: -1 }, { to: 0.5 }, { from: NaN }]) {
    await assertFails(() => replay(journal, range), {
      error: RangeError,
      says: /must be a sequence/,
    });
  }
});

test("replay() stops at what is acknowledged while values are appended, and across segments", async () => {
  await using directory = await temporaryDirectory();
  await using journal = await Journal.open<string>(directory.path, journalName, {
    segmentSizeMax: 65_536,
  });
  const value = "x".repeat(1000);
  const writing = (async () => {
    for (let i = 0; i < 40; i++) await journal.appendAll(Array.from({ length: 10 }, () => value));
  })();
  for (let i = 0; i < 5; i++) {
    const before = journal.sequence;
    const records = await replay(journal);
    assert(records.length >= before && records.length <= journal.sequence);
    assertEquals(records.map(([sequence]) => sequence), records.map((_, i) => i + 1));
  }
  await writing;
  assertEquals((await replay(journal)).length, 400);
});

test("Journal.open() cuts a torn tail and reports it", async () => {
  await using directory = await temporaryDirectory();
  let path;
  {
    await using journal = await Journal.open<string>(directory.path, journalName);
    await journal.append("kept");
    path = journal.journalPath;
  }
  await appendFile(path, '[2,"torn');
  await using journal = await Journal.open<string>(directory.path, journalName);
  assertEquals(journal.recovery.torn?.sequence, 2);
  assertEquals((await journal.append("next")).sequence, 2);
  assertEquals(await replay(journal), [[1, "kept"], [2, "next"]]);
});

test("Journal.open() opens a state manager's compacted journal, and appends what the manager then replays", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path, { compaction: "manual" });
    for (let i = 1; i <= 3; i++) {
      await manager.apply(i);
      await manager.compact();
    }
  }
  {
    await using journal = await Journal.open(directory.path, journalName);
    assertEquals(journal.sequence, 3);
    assertEquals(await replay(journal), [[3, 3]]);
    await assertFails(() => replay(journal, { from: 1 }), {
      error: HistoryGoneError,
      code: "HISTORY_GONE",
      says: /begins with sequence 3/,
    });
    await journal.append(4);
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.snapshot(), { entries: [1, 2, 3, 4] });
});

test("replay() of a read-only journal returns the range that was asked for", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll(["a", "b", "c", "d"]);
  await using journal = await Journal.open(directory.path, journalName, { readOnly: true });
  assertEquals(journal.journalPath, manager.journalPath);
  const mutations = async (range: object) =>
    (await all(journal.replay(range))).map(({ mutation }) => mutation);
  assertEquals(await mutations({}), ["a", "b", "c", "d"]);
  assertEquals(await mutations({ from: 2, to: 3 }), ["b", "c"]);
  assertEquals(await mutations({ from: 2, to: 99 }), ["b", "c", "d"]);
  await manager.apply("e");
  assertEquals(await mutations({}), ["a", "b", "c", "d"], "as of the time it was opened");
});
