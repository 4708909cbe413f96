// Tests the public SnapshotStore: whole states, complete or not there.

import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { assertFails } from "../support/errors.ts";
import { fileName, rewrite } from "../support/files.ts";
import { journalName } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

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
