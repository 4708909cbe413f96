// Tests calls on something that is closed, closing or read-only: they get a typed error and write nothing.

import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  ClosedError,
  type DurableFs,
  MinistateError,
  ReadOnlyError,
  type StateManager,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { assertFails, failureOf } from "../support/errors.ts";
import { journalName, type Ledger, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

type Manager = StateManager<Ledger, unknown, number>;

const writes: Record<string, (manager: Manager, aside: string) => unknown> = {
  "apply()": (manager) => manager.apply(1),
  "applyAll()": (manager) => manager.applyAll([1, 2]),
  "applyAll() of nothing": (manager) => manager.applyAll([]),
  "createSnapshot()": (manager) => manager.createSnapshot(),
  "compact()": (manager) => manager.compact(),
};

const reads: Record<string, (manager: Manager, aside: string) => unknown> = {
  "backup()": (manager, aside) => manager.backup(aside),
  "changes()": (manager) => manager.changes({ from: 1 }).next(),
  "stateAt()": (manager) => manager.stateAt(1),
};

const closed = { error: ClosedError, code: "CLOSED", says: /closed: open it again/ };
const readOnly = { error: ReadOnlyError, code: "READ_ONLY", says: /reading only/ };

for (const [call, run] of Object.entries({ ...writes, ...reads })) {
  test(`${call} fails with ClosedError when the manager is closed`, async () => {
    await using directory = await temporaryDirectory();
    const manager = await openLedger(directory.join("state"));
    await manager.apply(1);
    await manager.close();
    await assertFails(() => run(manager, directory.join("aside")), closed);
    assertEquals(await readdir(directory.path), ["state"]);
    // Whatever needs no file still works.
    assertEquals(manager.snapshot(), { entries: [1] });
    assertEquals(manager.state.entries.length, 1);
    assertEquals(manager.sequence, 1);
    await using again = await openLedger(directory.join("state"));
    assertEquals(again.snapshot(), { entries: [1] });
  });

  test(`${call} fails with ClosedError when the manager is closing`, async () => {
    await using directory = await temporaryDirectory();
    const manager = await openLedger(directory.join("state"));
    const closing = manager.close();
    await assertFails(() => run(manager, directory.join("aside")), closed);
    await closing;
  });
}

for (const [call, run] of Object.entries(writes)) {
  test(`${call} fails with ReadOnlyError when the manager is read-only`, async () => {
    await using directory = await temporaryDirectory();
    {
      await using manager = await openLedger(directory.path);
      await manager.apply(1);
    }
    const files = await readdir(directory.path);
    const bytes = await readFile(directory.join(files.at(-1)!), "utf8");
    {
      await using manager = await openLedger(directory.path, { readOnly: true });
      await assertFails(() => run(manager, ""), readOnly);
      assertEquals(manager.snapshot(), { entries: [1] });
    }
    assertEquals(await readdir(directory.path), files);
    assertEquals(await readFile(directory.join(files.at(-1)!), "utf8"), bytes);
  });
}

test("append(), appendAll() and replay() fail with ClosedError when the journal is closed", async () => {
  await using directory = await temporaryDirectory();
  const journal = await Journal.open(directory.path, journalName);
  await journal.append(1);
  await journal.close();
  await assertFails(() => journal.append(2), closed);
  await assertFails(() => journal.appendAll([2]), closed);
  await assertFails(() => journal.appendAll([]), closed);
  await assertFails(() => journal.replay().next(), closed);
  assertEquals(journal.sequence, 1);
  await using reader = await Journal.open(directory.path, journalName, { readOnly: true });
  await assertFails(() => reader.append(2), readOnly);
  await assertFails(() => reader.appendAll([2]), readOnly);
});

test("create(), restore() and exists() fail with ClosedError when the store is closed", async () => {
  await using directory = await temporaryDirectory();
  const store = await SnapshotStore.open(directory.path, journalName);
  const created = store.create(1, "whole");
  await store.close();
  assertEquals((await created).sequence, 1);
  await assertFails(() => store.create(2, "late"), closed);
  await assertFails(() => store.restore(), closed);
  await assertFails(() => store.exists(), closed);
  await using reader = await SnapshotStore.open(directory.path, journalName, { readOnly: true });
  await assertFails(() => reader.create(2, "refused"), readOnly);
  assertEquals((await reader.restore())?.state, "whole");
});

test("close() waits for all earlier calls, in order", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  const applied = Array.from({ length: 100 }, (_, i) => manager.apply(i));
  const snapshot = manager.createSnapshot();
  const group = manager.applyAll(["a", "b"]);
  await manager.close();
  assertEquals(
    (await Promise.all(applied)).map(({ sequence }) => sequence),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  assertEquals((await group).length, 2);
  assert((await snapshot).sequence >= 100);
  await using again = await openLedger(directory.path);
  assertEquals(again.sequence, 102);
  assertEquals(again.recovery.sealed, true);
});

test("close() succeeds again and again, also at the same time", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  const journal = await Journal.open(directory.join("journal"), journalName);
  const store = await SnapshotStore.open(directory.join("store"), journalName);
  for (const opened of [manager, journal, store]) {
    await Promise.all([opened.close(), opened.close()]);
    await opened.close();
    await opened[Symbol.asyncDispose]();
  }
  await using again = await openLedger(directory.path);
  assertEquals(again.sequence, 0);
});

test("close() releases the lock when a sync failed before", async () => {
  await using directory = await temporaryDirectory();
  let broken = false;
  const fs = await wrapFs(({ name }) => {
    if (broken && name.startsWith("sync")) throw systemError("EIO");
  });
  const manager = await openLedger(directory.path, { fs });
  await manager.apply(1);
  broken = true;
  const error = await failureOf(() => manager.apply(2));
  assert(error instanceof MinistateError && error.code === "POISONED", String(error));
  assertEquals(manager.snapshot(), { entries: [1] });
  await manager.close();
  await using again = await openLedger(directory.path);
  assertEquals(again.snapshot().entries[0], 1);
});

const openers = {
  "StateManager.close()": openLedger,
  "Journal.close()": (path: string, { fs }: { fs: DurableFs }) =>
    Journal.open(path, journalName, { fs }),
};

for (const [call, open] of Object.entries(openers)) {
  for (const [step, name] of [["write", "write"], ["sync", "syncAll"], ["trim", "truncate"]]) {
    test(`${call} releases the lock when the ${step} of its seal fails`, async () => {
      await using directory = await temporaryDirectory();
      let closing = false;
      const fs = await wrapFs((operation) => {
        if (closing && operation.name === name) throw systemError("EIO");
      });
      const opened = await open(directory.path, { fs });
      // Two: the first has no space filled ahead, and so leaves nothing to trim.
      for (const mutation of [1, 2]) {
        if ("apply" in opened) await opened.apply(mutation);
        else await opened.append(mutation);
      }
      closing = true;
      const error = await failureOf(() => opened.close());
      assert(error instanceof MinistateError, String(error));
      assertEquals([error.code, error.systemCode], [
        name === "truncate" ? "IO_FAILED" : "POISONED",
        "EIO",
      ]);
      await using again = await openLedger(directory.path);
      assertEquals(again.snapshot(), { entries: [1, 2] });
    });
  }
}

test("await using closes a manager when its block is left by an error", async () => {
  await using directory = await temporaryDirectory();
  const planted = new Error("planted");
  const error = await failureOf(async () => {
    await using manager = await openLedger(directory.path);
    await manager.apply(1);
    throw planted;
  });
  assertEquals(error, planted);
  await using again = await openLedger(directory.path);
  assertEquals(again.recovery.sealed, true);
  assertEquals(again.snapshot(), { entries: [1] });
});
