// Tests snapshots and compaction: what is kept, what is deleted, and that mutations continue meanwhile.

import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { InvalidStateError, StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { detectFs } from "../../runtime/detect.ts";
import { failureOf } from "../support/errors.ts";
import { fileName, rewrite } from "../support/files.ts";
import { journalName, ledger, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { slowed, systemError, wrapFs } from "../support/wrapped_fs.ts";

async function names(path: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => name.startsWith("test-")).sort();
}

const wal = (...sequences: number[]) => sequences.map((sequence) => fileName("wal", sequence));
const snapshots = (...sequences: number[]) =>
  sequences.map((sequence) => fileName("snapshot", sequence));

test("createSnapshot() makes the next open start from it, and deletes nothing", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path);
    await manager.applyAll([1, 2, 3]);
    const snapshot = await manager.createSnapshot();
    assertEquals(snapshot.sequence, 3);
    assertEquals(snapshot.path, directory.join(fileName("snapshot", 3)));
    assertEquals(await names(directory.path), [...snapshots(3), ...wal(1, 4)].sort());
    assertEquals(await manager.createSnapshot(), snapshot, "nothing new, no new snapshot");
    await manager.apply(4);
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.recovery.snapshot?.sequence, 3);
  assertEquals(manager.recovery.replayed, 1);
  assertEquals(manager.snapshot(), { entries: [1, 2, 3, 4] });
});

test("compact() keeps two snapshots and the journal that the older one needs", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const deletions: string[][] = [];
  for (let i = 1; i <= 4; i++) {
    await manager.apply(i);
    const { deleted } = await manager.compact();
    deletions.push(deleted.map((path) => path.slice(directory.path.length + 1)));
  }
  assertEquals(deletions, [
    [],
    wal(1),
    [...snapshots(1), ...wal(2)],
    [...snapshots(2), ...wal(3)],
  ]);
  assertEquals(await names(directory.path), [...snapshots(3, 4), ...wal(4, 5)].sort());
  assertEquals((await manager.compact()).deleted, []);
});

test("compact() keeps as many snapshots as snapshotsKept says", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { snapshotsKept: 4 });
  for (let i = 1; i <= 7; i++) {
    await manager.apply(i);
    await manager.compact();
  }
  assertEquals(await names(directory.path), [...snapshots(4, 5, 6, 7), ...wal(5, 6, 7, 8)].sort());
});

test("compact() counts no rotten snapshot among those it keeps", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply(1);
  await manager.compact();
  await manager.apply(2);
  await manager.compact();
  await rewrite(directory.join(fileName("snapshot", 2)), (text) => text.replace("[1,2]", "[1,3]"));
  await manager.apply(3);
  const { deleted } = await manager.compact();
  // The one of 1 is still needed: with it and the journal after it, the one of 3 can be lost too.
  assertEquals(deleted.filter((path) => path.includes("wal")), []);
  assert((await names(directory.path)).includes(fileName("snapshot", 1)));
  assertEquals(await manager.stateAt(2), { entries: [1, 2] });
});

test("open() falls back to the older snapshot when the newest is rotten, and loses nothing", async () => {
  for (const damage of ["flip", "cut", "empty"]) {
    await using directory = await temporaryDirectory();
    {
      await using manager = await openLedger(directory.path);
      for (let i = 1; i <= 4; i++) {
        await manager.apply(i);
        await manager.compact();
      }
    }
    await rewrite(
      directory.join(fileName("snapshot", 4)),
      (text) =>
        damage === "flip" ? text.replace("3,4", "3,5") : damage === "cut" ? text.slice(0, -20) : "",
    );
    await using manager = await openLedger(directory.path);
    assertEquals(manager.snapshot(), { entries: [1, 2, 3, 4] }, damage);
    assertEquals(manager.recovery.snapshot?.sequence, 3);
    assertEquals(manager.recovery.snapshotsSkipped.map(({ sequence }) => sequence), [4]);
    assert(manager.recovery.snapshotsSkipped[0]!.path.includes("/quarantine/"));
  }
});

test("createSnapshot() and compact() run while mutations continue, and hold the state of one sequence", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path, { compaction: "manual" });
    const calls: Promise<unknown>[] = [];
    const reports: Promise<{ sequence: number }>[] = [];
    for (let i = 1; i <= 600; i++) {
      calls.push(manager.apply(i));
      if (i % 100 === 0) reports.push(manager.compact().then(({ snapshot }) => snapshot));
      if (i % 20 === 0) await calls.at(-1);
    }
    await Promise.all(calls);
    const sequences = (await Promise.all(reports)).map(({ sequence }) => sequence);
    assertEquals(sequences, sequences.toSorted((a, b) => a - b));
  }
  await using manager = await openLedger(directory.path);
  assert(manager.recovery.snapshot !== null);
  assertEquals(manager.snapshot().entries, Array.from({ length: 600 }, (_, i) => i + 1));
});

test("createSnapshot() holds large states with every kind of value", async () => {
  await using directory = await temporaryDirectory();
  const entries = [
    "s".repeat(200_000),
    Array.from({ length: 30_000 }, (_, i) => [i, String(i)]),
    Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, { i }])),
    Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}`.repeat(70_000), i])),
    { a: { b: { c: ["漢".repeat(100_000), null, true, -1e-7] } } },
  ];
  {
    await using manager = await openLedger(directory.path, { compaction: "manual" });
    await manager.applyAll(entries);
    await manager.createSnapshot();
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.recovery.replayed, 0);
  assertEquals(JSON.stringify(manager.state), JSON.stringify({ entries }));
});

test("createSnapshot() refuses a state that is not JSON, and mutations continue", async () => {
  await using directory = await temporaryDirectory();
  const mutator = {
    initial: () => ({} as Record<string, unknown>),
    apply(state: Record<string, unknown>, mutation: string) {
      if (mutation === "spoil") state.map = new Map();
      else delete state.map;
    },
  };
  await using manager = await StateManager.open(directory.path, journalName, mutator);
  await manager.apply("spoil");
  for (const call of [() => manager.createSnapshot(), () => manager.compact()]) {
    const error = await failureOf(call);
    assertInstanceOf(error, InvalidStateError);
    assert(/\$\.map is an object of class Map/.test(error.message), error.message);
  }
  await manager.apply("mend");
  assertEquals((await manager.createSnapshot()).sequence, 2);
  assertEquals((await names(directory.path)).filter((name) => name.includes("tmp")), []);
});

test("createSnapshot() fails with DISK_FULL when there is no space, leaves nothing behind, and works later", async () => {
  await using directory = await temporaryDirectory();
  let full = false;
  const fs = await wrapFs(({ name, path }) => {
    if (full && name === "write" && path.includes("snapshot")) throw systemError("ENOSPC");
  });
  await using manager = await openLedger(directory.path, { fs });
  await manager.apply(1);
  full = true;
  const error = await failureOf(() => manager.createSnapshot());
  assertEquals((error as { code?: string }).code, "DISK_FULL");
  assertEquals((await names(directory.path)).filter((name) => !name.endsWith(".wal.jsonl")), []);
  assertEquals((await manager.apply(2)).sequence, 2);
  full = false;
  assertEquals((await manager.compact()).snapshot.sequence, 2);
});

test("createSnapshot() rethrows what initial() throws when a large state is rebuilt", async () => {
  await using directory = await temporaryDirectory();
  // The journal of a `Journal` holds no initial state, so it is asked for each time.
  await (await Journal.open(directory.path, journalName)).close();
  let calls = 0;
  const mutator = {
    ...ledger,
    initial() {
      if (++calls > 2) throw new RangeError("no more states");
      return ledger.initial();
    },
  };
  const options = { compaction: "manual" as const, fs: slowed(await detectFs()) };
  await using manager = await StateManager.open(directory.path, journalName, mutator, options);
  calls = 2;
  for (let i = 0; i < 4; i++) await manager.apply("x".repeat(100_000));
  await assertRejects(() => manager.createSnapshot(), RangeError, "no more states");
  calls = 0;
  assertEquals((await manager.createSnapshot()).sequence, 4);
});

test("compact() deletes the other files when only fsck can delete one of them", async () => {
  await using directory = await temporaryDirectory();
  const stuck = directory.join(fileName("wal", 2));
  const fs = await wrapFs(({ name, path }) => {
    if (name === "remove" && path === stuck) throw systemError("EUCLEAN");
  });
  const options = { fs, snapshotsKept: 3, compaction: "manual" } as const;
  await using manager = await openLedger(directory.path, options);
  for (let i = 1; i <= 4; i++) {
    await manager.apply(i);
    await manager.createSnapshot();
  }
  await manager.apply(5);
  const { deleted } = await manager.compact();
  assertEquals(deleted.includes(directory.join(fileName("wal", 1))), true);
  assertEquals(deleted.includes(stuck), false);
  assertEquals(
    (await names(directory.path)).filter((name) => name.includes("wal")),
    wal(2, 4, 5, 6),
  );
});
