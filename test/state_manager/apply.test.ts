// Tests what apply() and applyAll() promise: results in call order, atomic groups, and the same history on every replay.

import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type MutationContext, MutationRejectedError, StateManager } from "@ministate/ministate";
import { failureOf } from "../support/errors.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { journalName, ledger, openCounter, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("apply() returns the sequence and the mutator's result, whatever it is", async () => {
  await using directory = await temporaryDirectory();
  const results: unknown[] = [undefined, null, 0, "text", { a: [1] }, new Map([[1, 2]])];
  const mutator = { initial: () => ({}), apply: (_: object, i: number) => results[i] };
  await using manager = await StateManager.open(directory.path, journalName, mutator);
  for (const [i, result] of results.entries()) {
    assertEquals(await manager.apply(i), { sequence: i + 1, result });
  }
});

test("apply() calls at the same time are applied and resolved in call order", async () => {
  await using directory = await temporaryDirectory();
  const order: number[] = [];
  {
    await using manager = await openLedger(directory.path);
    const calls = Array.from(
      { length: 1000 },
      (_, i) =>
        manager.apply(i).then(({ sequence, result }) => {
          order.push(i);
          assertEquals([sequence, result], [i + 1, i + 1]);
        }),
    );
    assertEquals(manager.sequence, 0, "nothing is seen before it is durable");
    assertEquals(manager.snapshot(), { entries: [] });
    await Promise.all(calls);
  }
  assertEquals(order, Array.from({ length: 1000 }, (_, i) => i));
  await using manager = await openLedger(directory.path);
  assertEquals(manager.snapshot().entries, order);
});

test("apply() and applyAll() calls at the same time are resolved in call order", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const order: number[] = [];
  const calls = Array.from({ length: 40 }, (_, i) => {
    const call = i % 2 === 0 ? manager.applyAll([i]) : manager.apply(i);
    return call.then(() => order.push(i));
  });
  await Promise.all(calls);
  assertEquals(order, Array.from({ length: 40 }, (_, i) => i));
});

test("apply() called as soon as the last one resolved continues without a gap", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const worker = async (name: string) => {
    for (let i = 0; i < 50; i++) await manager.apply(`${name}${i}`);
  };
  await Promise.all(["a", "b", "c"].map(worker));
  assertEquals(manager.sequence, 150);
  for (const name of ["a", "b", "c"]) {
    const own = manager.snapshot().entries.filter((entry) => String(entry).startsWith(name));
    assertEquals(own, Array.from({ length: 50 }, (_, i) => `${name}${i}`));
  }
});

test("apply() gives the mutator the same context live and on every replay", async () => {
  await using directory = await temporaryDirectory();
  let time = 1_000_000;
  const open = (clock: () => number) =>
    StateManager.open(directory.path, journalName, {
      initial: () => [] as MutationContext[],
      apply(state: MutationContext[], _: null, { sequence, timestamp }: MutationContext) {
        state.push({ sequence, timestamp });
      },
    }, { clock });
  let live;
  {
    await using manager = await open(() => time += 1000);
    for (let i = 0; i < 3; i++) await manager.apply(null);
    await manager.applyAll([null, null]);
    live = manager.snapshot();
    assertEquals(live.map(({ sequence }) => sequence), [1, 2, 3, 4, 5]);
    assert(live.every(({ timestamp }, i) => i === 0 || timestamp >= live![i - 1]!.timestamp));
    assertEquals(live[3]!.timestamp, live[4]!.timestamp);
  }
  await using manager = await open(() => {
    throw new Error("replay needs no clock");
  });
  assertEquals(manager.snapshot(), live);
  assertEquals(await manager.stateAt(2), live.slice(0, 2));
});

test("apply() rejects what the mutator refuses, keeps its place in the history, and continues", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openCounter(directory.path);
    const calls = [5, -9, 2, -8, -7].map((by) => manager.apply({ by }));
    const settled = await Promise.allSettled(calls);
    assertEquals(settled.map(({ status }) => status), [
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    assertEquals(await calls[4], { sequence: 5, result: 0 });
    const error = await failureOf(() => calls[1]);
    assertInstanceOf(error, MutationRejectedError);
    assertEquals(error.sequence, 2);
    assertInstanceOf(error.cause, RangeError);
  }
  await using manager = await openCounter(directory.path);
  assertEquals(manager.snapshot(), { value: 0 });
  assertEquals(manager.recovery.replayed, 5);
  assertEquals(await manager.stateAt(4), { value: 7 });
});

test("applyAll() gives one run of sequences, one timestamp, and is one batch on the disk", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const [before, group, after] = await Promise.all([
    manager.apply("before"),
    manager.applyAll(["a", "b", "c"]),
    manager.apply("after"),
  ]);
  assertEquals(before.sequence, 1);
  assertEquals(group, [2, 3, 4].map((sequence) => ({ sequence, result: sequence })));
  assertEquals(after.sequence, 5);
  assertEquals(await manager.applyAll([]), []);
  assertEquals(manager.sequence, 5);
  const lines = (await readFile(manager.journalPath, "utf8")).trimEnd().split("\n");
  const records = lines.filter((line) => /^\[\d/.test(line)).map((line) => JSON.parse(line));
  assertEquals(records.map(([sequence]) => sequence), [1, 2, 3, 4, 5]);
  // Only the last line of a batch carries the checksum, so the group is vouched for as a whole.
  const ends = records.filter((record) => record.length === 5).map(([sequence]) => sequence);
  assert(!ends.includes(2) && !ends.includes(3), `batches end at ${ends}`);
});

test("applyAll() applies none when the mutator refuses one", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openCounter(directory.path);
    const error = await failureOf(() =>
      manager.applyAll([{ by: 1 }, { by: -9 }, { by: 2 }, { by: -8 }])
    );
    assertInstanceOf(error, MutationRejectedError);
    assertEquals(error.sequence, 2);
    assertEquals(manager.sequence, 4);
    assertEquals(manager.snapshot(), { value: 0 });
  }
  await using manager = await openCounter(directory.path);
  assertEquals(manager.sequence, 4);
  assertEquals(manager.snapshot(), { value: 0 });
});

test("apply() runs a reducer, whose next state replaces the one before", async () => {
  await using directory = await temporaryDirectory();
  const reducer = {
    initial: () => ({ value: 0, seen: [] as number[] }),
    reduce(state: { value: number; seen: number[] }, by: number, { sequence }: MutationContext) {
      if (by === 0) throw new Error("nothing to add");
      return { value: state.value + by, seen: [...state.seen, sequence] };
    },
  };
  {
    await using manager = await StateManager.open(directory.path, journalName, reducer);
    const before = manager.state;
    const { result } = await manager.apply(2);
    assertEquals(result as unknown, { value: 2, seen: [1] });
    assertEquals(before, { value: 0, seen: [] });
    assertInstanceOf(await failureOf(() => manager.apply(0)), MutationRejectedError);
    await manager.apply(3);
    assertEquals(manager.snapshot(), { value: 5, seen: [1, 2] });
  }
  await using manager = await StateManager.open(directory.path, journalName, reducer);
  assertEquals(manager.snapshot(), { value: 5, seen: [1, 2] });
  assertEquals(await manager.stateAt(1), { value: 2, seen: [1] });
});

test("apply() takes the mutation as it is at the call, whatever the caller does to it later", async () => {
  await using directory = await temporaryDirectory();
  const mutation = { list: [1], deep: { x: 1 } };
  {
    await using manager = await openLedger(directory.path);
    const call = manager.apply(mutation);
    mutation.list.push(2);
    mutation.deep.x = 2;
    await call;
    mutation.deep.x = 3;
    assertEquals(manager.snapshot(), { entries: [{ list: [1], deep: { x: 1 } }] });
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.snapshot(), { entries: [{ list: [1], deep: { x: 1 } }] });
});

test("state is live, and snapshot() an independent copy", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const live = manager.state;
  const copy = manager.snapshot();
  await manager.apply({ a: [1] });
  assertEquals(live.entries.length, 1);
  assertEquals(manager.state, live);
  assertEquals(copy, { entries: [] });
  const changed = manager.snapshot();
  changed.entries.push("mine");
  (changed.entries[0] as { a: number[] }).a.push(2);
  assertEquals(manager.snapshot(), { entries: [{ a: [1] }] });
  const past = await manager.stateAt(1);
  past.entries.length = 0;
  assertEquals(manager.snapshot(), { entries: [{ a: [1] }] });
});

test("sequence is always that of the state that is seen with it", async () => {
  // A disk in memory answers without a turn of the event loop, so that every step of a commit is looked at.
  await using manager = await StateManager.open("/data/state", journalName, ledger, {
    fs: freshDisk(),
  });
  let isOver = false;
  const writing = (async () => {
    for (let n = 1; n <= 20; n++) await manager.apply(n);
    isOver = true;
  })();
  while (!isOver) {
    assertEquals(manager.state.entries.length, manager.sequence);
    await undefined;
  }
  await writing;
});
