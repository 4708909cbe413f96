// Tests that one state directory has one writer, across managers, classes, processes and runtimes, and that
// neither a killed writer nor an old lock file blocks the next one.

import { spawn } from "node:child_process";
import { stat, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { LockedError } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { assertFails } from "../support/errors.ts";
import { run, runtimes, start } from "../support/runtimes.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const locked = { error: LockedError, code: "LOCKED", says: /close it first.*readOnly/ };

test("open() refuses a second writer when the first is in the same process", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply(1);
  const error = await assertFails(() => openLedger(directory.path), locked);
  assertEquals(error.path, directory.join("ministate.lock"));
  await assertFails(() => openLedger(`${directory.path}/`), locked);
  await assertFails(
    () => openLedger(`${directory.path}/../${directory.path.split("/").at(-1)}`),
    locked,
  );
  await assertFails(() => Journal.open(directory.path, journalName), locked);
  await assertFails(() => SnapshotStore.open(directory.path, journalName), locked);
  await assertFails(() => manager.backup(directory.path), locked);
  assertEquals((await manager.apply(2)).sequence, 2);
});

test("open() lets exactly one of many through when they come at the same time", async () => {
  await using directory = await temporaryDirectory();
  const opened = await Promise.allSettled(
    Array.from({ length: 8 }, () => openLedger(directory.path)),
  );
  const winners = opened.filter((outcome) => outcome.status === "fulfilled");
  assertEquals(winners.length, 1);
  for (const outcome of opened) {
    if (outcome.status === "rejected") {
      await assertFails(() => {
        throw outcome.reason;
      }, locked);
    } else await outcome.value.close();
  }
});

for (const runtime of runtimes) {
  test(`open() refuses a second writer when the first runs under ${runtime}`, async () => {
    await using directory = await temporaryDirectory();
    const first = start(runtime, "hold_state.ts", [directory.path]);
    await new Promise<void>((resolve, reject) => {
      first.onLine(() => resolve());
      first.ended.then(({ errors }) => reject(new Error(errors)), reject);
    });
    await assertFails(() => openLedger(directory.path), locked);
    await using reader = await openLedger(directory.path, { readOnly: true });
    assertEquals(reader.snapshot(), { entries: ["held"] });
    first.child.stdin?.end();
    assertEquals((await first.ended).code, 0);
    await using manager = await openLedger(directory.path);
    assertEquals(manager.snapshot(), { entries: ["held"] });
  });

  test(`open() under ${runtime} refuses a second writer when the first is this process`, async () => {
    await using directory = await temporaryDirectory();
    await using manager = await openLedger(directory.path);
    await manager.apply("mine");
    assertEquals((await run(runtime, "open_state.ts", [directory.path])).code, "LOCKED");
    const read = await run(runtime, "open_state.ts", [directory.path, '{"readOnly":true}']);
    assertEquals(read.state, { entries: ["mine"] });
    assertEquals((await manager.apply("still mine")).sequence, 2);
  });

  test(`open() succeeds at once when the writer under ${runtime} was killed`, async () => {
    await using directory = await temporaryDirectory();
    const first = start(runtime, "hold_state.ts", [directory.path]);
    await new Promise<void>((resolve, reject) => {
      first.onLine(() => resolve());
      first.ended.then(({ errors }) => reject(new Error(errors)), reject);
    });
    first.child.kill("SIGKILL");
    await first.ended;
    const lockFile = await stat(directory.join("ministate.lock"));
    await using manager = await openLedger(directory.path);
    assertEquals(manager.snapshot(), { entries: ["held"] });
    assertEquals((await stat(directory.join("ministate.lock"))).ino, lockFile.ino);
  });
}

test("open() succeeds when a lock file from elsewhere names a process that lives", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("ministate.lock"), "1\n");
  await using manager = await openLedger(directory.path);
  assertEquals((await manager.apply(1)).sequence, 1);
});

test("open() succeeds after close() while a child started by the writer still runs", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  // It would hold the lock on, if the descriptor of the lock were passed on to children.
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  try {
    await once(child, "spawn");
    await manager.close();
    await using again = await openLedger(directory.path);
    assertEquals((await again.apply(1)).sequence, 1);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});
