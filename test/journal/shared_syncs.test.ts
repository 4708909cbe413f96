// Tests how calls share writes and syncs, and that a slow disk never blocks the event loop.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { type FsCall, wrapFs } from "../support/wrapped_fs.ts";

const isSync = ({ name, path }: FsCall) => name.startsWith("sync") && path.includes(".wal.jsonl");
const sleep = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs));

test("apply() calls that wait at the same time share one write and one sync", async () => {
  await using directory = await temporaryDirectory();
  const counts = { syncs: 0, writes: 0 };
  const fs = await wrapFs((operation) => {
    if (isSync(operation)) counts.syncs++;
    if (operation.name === "write") counts.writes++;
  });
  await using manager = await openLedger(directory.path, { fs });
  // The second fills space ahead.
  for (let i = 0; i < 2; i++) await manager.apply(i);
  Object.assign(counts, { syncs: 0, writes: 0 });
  await Promise.all(Array.from({ length: 64 }, (_, i) => manager.apply(i)));
  assertEquals(counts, { syncs: 1, writes: 1 });
  Object.assign(counts, { syncs: 0, writes: 0 });
  for (let i = 0; i < 10; i++) await manager.apply(i);
  assertEquals(counts, { syncs: 10, writes: 10 });
});

test("apply() calls that come during a sync share the next one", async () => {
  await using directory = await temporaryDirectory();
  let syncs = 0;
  let release = () => {};
  let blocked = new Promise<void>(() => {});
  let isBlocking = false;
  const fs = await wrapFs(async (operation) => {
    if (!isBlocking || !isSync(operation)) return;
    syncs++;
    await blocked;
  });
  await using manager = await openLedger(directory.path, { fs });
  isBlocking = true;
  blocked = new Promise((resolve) => release = resolve);
  const first = manager.apply("first");
  await until(() => syncs > 0);
  const others = Array.from({ length: 100 }, (_, i) => manager.apply(i));
  await sleep(20);
  assertEquals(syncs, 1, "one at a time");
  assertEquals(manager.sequence, 0, "nothing is seen before its sync is over");
  release();
  await first;
  assertEquals(manager.snapshot().entries[0], "first");
  await Promise.all(others);
  assertEquals(syncs, 2);
});

test("apply() makes several batches of many large mutations, in call order", async () => {
  await using directory = await temporaryDirectory();
  let syncs = 0;
  const fs = await wrapFs((operation) => {
    if (isSync(operation)) syncs++;
  });
  const order: number[] = [];
  await using manager = await openLedger(directory.path, { fs, compaction: "manual" });
  const before = syncs;
  const filler = "x".repeat(200_000);
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => manager.apply({ i, filler }).then(() => order.push(i))),
  );
  assertEquals(order, Array.from({ length: 30 }, (_, i) => i));
  assert(syncs - before > 3 && syncs - before < 15, `${syncs - before} syncs`);
});

test("the event loop keeps turning during a slow sync", async () => {
  await using directory = await temporaryDirectory();
  let turns = 0;
  let isSlow = false;
  const fs = await wrapFs(async (operation) => {
    if (!isSlow || !isSync(operation)) return;
    // A library that held up the event loop would wait here forever.
    const end = turns + 10;
    await until(() => turns >= end);
  });
  await using manager = await openLedger(directory.path, { fs });
  isSlow = true;
  const timer = setInterval(() => turns++, 1);
  for (let i = 0; i < 4; i++) await manager.apply(i);
  isSlow = false;
  clearInterval(timer);
  assert(turns >= 40, `${turns} turns`);
});

test("the event loop keeps turning while mutations are applied without a pause on a fast disk", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  // However often that is: a loop that didn't turn would never see the timer.
  for (let count = 0; turns < 10 && count < 200_000; count++) await manager.apply(1);
  clearInterval(timer);
  assert(turns >= 10, `${turns} turns`);
});
