// Tests reading a state without the lock: beside a live writer, after a crash, and without ever writing.

import { appendFile, readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

async function bytesOf(path: string): Promise<Record<string, string>> {
  const names = (await readdir(path)).sort();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(`${path}/${name}`, "latin1")]),
    ),
  );
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("open() for reading returns what is acknowledged while the writer continues", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { segmentSizeMax: 65_536 });
  let isOver = false;
  const filler = "x".repeat(400);
  const writing = (async () => {
    for (let i = 1; !isOver; i += 3) {
      await Promise.all([0, 1, 2].map((n) => manager.apply({ i: i + n, filler })));
      if (i % 300 === 1) await manager.compact();
    }
  })();
  for (let n = 0; n < 30; n++) {
    const before = manager.sequence;
    await using reader = await openLedger(directory.path, { readOnly: true });
    assert(reader.sequence >= before, `${reader.sequence} is before ${before}`);
    const entries = reader.state.entries as { i: number }[];
    assertEquals(entries.length, reader.sequence);
    assertEquals(entries.at(-1)?.i ?? 0, reader.sequence);
    assertEquals(reader.recovery.lost, null);
  }
  isOver = true;
  await writing;
});

test("open() for reading never changes a byte", async () => {
  await using directory = await temporaryDirectory();
  let journalPath;
  {
    await using manager = await openLedger(directory.path);
    await manager.applyAll([1, 2]);
    await manager.createSnapshot();
    await manager.apply(3);
    journalPath = manager.journalPath;
  }
  await appendFile(journalPath, '[4,"torn');
  const before = await bytesOf(directory.path);
  {
    await using reader = await openLedger(directory.path, { readOnly: true });
    assertEquals(reader.snapshot(), { entries: [1, 2, 3] });
    assertEquals(reader.recovery.torn?.sequence, 4);
    assertEquals(reader.recovery.torn?.keptAt, null);
    assertEquals(reader.journalPath, journalPath);
    assertEquals(await reader.stateAt(1), { entries: [1] });
    const seen = [];
    for await (const { mutation } of reader.changes({ from: 1 })) seen.push(mutation);
    assertEquals(seen, [1, 2, 3]);
    await using journal = await Journal.open(directory.path, journalName, { readOnly: true });
    assertEquals(journal.sequence, 3);
    await using store = await SnapshotStore.open(directory.path, journalName, { readOnly: true });
    assertEquals((await store.restore())?.sequence, 2);
  }
  assertEquals(await bytesOf(directory.path), before);
});

test("open() for reading gives the initial state when the directory is empty", async () => {
  await using directory = await temporaryDirectory();
  await using reader = await openLedger(directory.path, { readOnly: true });
  assertEquals(reader.snapshot(), { entries: [] });
  assertEquals(reader.sequence, 0);
  assertEquals(reader.recovery.sequence, 0);
  assertEquals(await readdir(directory.path), []);
});

test("changes() of a read-only manager ends with what was there when it was opened", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll([1, 2]);
  await using reader = await openLedger(directory.path, { readOnly: true });
  await manager.apply(3);
  const seen = [];
  for await (const { mutation } of reader.changes({ from: 1 })) seen.push(mutation);
  assertEquals(seen, [1, 2]);
  assertEquals(reader.sequence, 2);
});

test("open() read-only creates nothing in an empty directory, and reads nothing from it", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { readOnly: true });
  assertEquals([manager.journalPath, manager.sequence], [directory.path, 0]);
  assertEquals(manager.compactionError, null);
  await using journal = await Journal.open(directory.path, journalName, { readOnly: true });
  assertEquals([journal.journalPath, journal.sequence], [directory.path, 0]);
  assertEquals(await all(journal.replay()), []);
  await using target = await temporaryDirectory();
  const report = await manager.backup(target.join("copy"));
  assertEquals([report.sequence, report.files], [0, 0]);
});
