// Tests the public SnapshotStore: whole states, complete or not there.

import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type DurableFs, LockedError } from "@ministate/ministate";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { freshDisk } from "../../simulation/workloads.ts";
import { DIRECTORY, NAME } from "../../simulation/world.ts";
import { assertFails } from "../support/errors.ts";
import { checksumOf, controlLine, fileName, rewrite } from "../support/files.ts";
import { journalName } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

test("create() writes what restore() returns, the newest first", async () => {
  await using directory = await temporaryDirectory();
  {
    await using store = await SnapshotStore.open<unknown>(directory.path, journalName);
    assertEquals(await store.exists(), false);
    assertEquals(await store.restore(), null);
    const info = await store.create(7, { lamp: "on" });
    assertEquals(info.sequence, 7);
    assertEquals(info.path, directory.join(fileName("snapshot", 7)));
    await store.create(3, "older");
    assertEquals(await store.exists(), true);
    assertEquals(await store.restore(), { ...info, state: { lamp: "on" }, skipped: [] });
    assertEquals((await store.restore())?.state, { lamp: "on" });
  }
  await using store = await SnapshotStore.open(directory.path, journalName);
  assertEquals((await store.restore())?.sequence, 7);
});

test("create() accepts any JSON, also at sequence 0, and replaces one of the same sequence", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open<unknown>(directory.path, journalName);
  const states = [null, 0, "", false, [], {}, [[]], { a: null }, "x".repeat(300_000)];
  for (const state of states) {
    await store.create(0, state);
    assertEquals((await store.restore())?.state, state);
  }
  assertEquals(
    (await readdir(directory.path)).filter((name) => name.includes("snapshot")).length,
    1,
  );
});

test("create() calls at the same time all succeed, each with the state at the time of the call", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open<{ n: number }>(directory.path, journalName);
  const state = { n: 0 };
  const calls = Array.from({ length: 10 }, (_, n) => {
    state.n = n;
    return store.create(n % 3, state);
  });
  state.n = -1;
  await Promise.all(calls);
  const restored = await store.restore();
  assertEquals([restored?.sequence, restored?.state.n], [2, 8]);
});

test("create() refuses an invalid sequence", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open(directory.path, journalName);
  for (const sequence of [-1, 1.5, NaN, Infinity, undefined, "1"]) {
    await assertFails(() => store.create(sequence as number, {}), {
      error: RangeError,
      says: /"sequence" must be a sequence/,
    });
  }
  assertEquals(await store.exists(), false);
});

test("restore() skips damaged snapshots, says which, and takes the newest sound one", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open(directory.path, journalName);
  for (const sequence of [1, 2, 3]) await store.create(sequence, { sequence });
  await rewrite(directory.join(fileName("snapshot", 3)), (text) => text.replace(":3}", ":4}"));
  await rewrite(directory.join(fileName("snapshot", 2)), (text) => text.slice(0, -1));
  const restored = await store.restore();
  assertEquals(restored?.state, { sequence: 1 });
  assertEquals(restored?.skipped.map(({ sequence }) => sequence), [3, 2]);
  for (const { reason } of restored!.skipped) assert(reason.includes("damaged"), reason);
  assertEquals(await store.exists(), true);
});

test("create() refuses a sequence that nothing could follow", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open(directory.path, journalName);
  await assertRejects(() => store.create(Number.MAX_SAFE_INTEGER, {}), RangeError);
});

test("restore() skips a snapshot whose lines don't form a state", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open<number>(directory.path, journalName);
  const info = await store.create(1, 1);
  await store.create(2, 2);
  await rewrite(directory.join(fileName("snapshot", 2)), (text) => {
    const header = text.slice(0, text.indexOf("\n") + 1);
    return header + controlLine({ end: 0 }, checksumOf(header));
  });
  const restored = await store.restore();
  assertEquals([restored?.state, restored?.sequence, info.sequence], [1, 1, 1]);
});

test("restore() skips a snapshot that ends while it is read", async () => {
  await using directory = await temporaryDirectory();
  const base = await wrapFs(() => {});
  const fs: DurableFs = {
    ...base,
    async open(path, mode) {
      const file = await base.open(path, mode);
      if (mode !== "read" || !path.endsWith(fileName("snapshot", 2))) return file;
      // Two reads long, and the second part is gone by the time it is read.
      return { ...file, size: async () => await file.size() + 10_000_000 };
    },
  };
  await using store = await SnapshotStore.open<string>(directory.path, journalName, { fs });
  await store.create(1, "one");
  await store.create(2, "x".repeat(3_000_000));
  assertEquals((await store.restore())?.state, "one");
});

test("create() works again after one that failed", async () => {
  await using directory = await temporaryDirectory();
  let fails = true;
  const fs = await wrapFs(({ name }) => {
    if (name === "rename" && fails) throw systemError("EIO");
  });
  await using store = await SnapshotStore.open<string>(directory.path, journalName, { fs });
  const failing = store.create(1, "a").catch((error) => error.code);
  const next = store.create(2, "b").catch((error) => error.code);
  assertEquals([await failing, await next], ["IO_FAILED", "IO_FAILED"]);
  fails = false;
  assertEquals((await store.create(3, "c")).sequence, 3);
});

test("SnapshotStore that reads an empty directory finds nothing there, and later what others wrote", async () => {
  await using directory = await temporaryDirectory();
  await using reader = await SnapshotStore.open(directory.path, journalName, { readOnly: true });
  assertEquals([await reader.restore(), await reader.exists()], [null, false]);
  await using store = await SnapshotStore.open(directory.path, journalName);
  await store.create(1, "theirs");
  assertEquals((await reader.restore())?.state, "theirs");
});

test("SnapshotStore.close() keeps the lock until a snapshot that is being written is there", async () => {
  const fs = freshDisk();
  fs.syncDelayMs = 30;
  const store = await SnapshotStore.open<number>(DIRECTORY, NAME, { fs });
  const order: string[] = [];
  const creating = store.create(1, 7).then(() => order.push("created"));
  const closing = store.close().then(() => order.push("closed"));
  await assertRejects(() => SnapshotStore.open(DIRECTORY, NAME, { fs }), LockedError);
  await Promise.all([creating, closing]);
  assertEquals(order, ["created", "closed"]);
  const again = await SnapshotStore.open<number>(DIRECTORY, NAME, { fs });
  assertEquals((await again.restore())?.state, 7);
  await again.close();
});
