// Tests changes() and stateAt(): history first, then live, for as long as the journal keeps it.

import { rm } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Change, HistoryGoneError, type StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { assertFails } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { type Ledger, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

type Manager = StateManager<Ledger, unknown, number>;

const gone = { error: HistoryGoneError, code: "HISTORY_GONE", says: /compaction has deleted/ };

/** Reads `count` changes, and checks that they are in order without a gap. */
async function take(manager: Manager, from: number | undefined, count: number): Promise<unknown[]> {
  const mutations: unknown[] = [];
  let expected = from ?? manager.sequence + 1;
  for await (
    const { sequence, timestamp, mutation } of manager.changes(from === undefined ? {} : { from })
  ) {
    assertEquals(sequence, expected++);
    assert(Number.isSafeInteger(timestamp));
    mutations.push(mutation);
    if (mutations.length === count) break;
  }
  return mutations;
}

const wal = (sequence: number) => fileName("wal", sequence);

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("changes() returns history from any kept sequence, then new mutations", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll(numbers(1, 5));
  for (const from of [1, 3, 5, 6]) {
    const taken = take(manager, from, 10 - from + 1);
    const late = take(manager, undefined, 1);
    await manager.applyAll(numbers(manager.sequence + 1, manager.sequence + 1));
    await late;
    while (manager.sequence < 10) await manager.apply(manager.sequence + 1);
    assertEquals(await taken, numbers(from, 10));
  }
  const whole = manager.changes({ from: 0 });
  assertEquals((await whole.next()).value?.sequence, 1);
  await whole.return();
});

test("changes() gives only what is durable, and all of it, while many calls are under way", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { segmentSizeMax: 65_536 });
  const filler = "x".repeat(300);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { sequence } of manager.changes({ from: 1 })) {
      assert(sequence <= manager.sequence, "never before it is acknowledged");
      seen.push(sequence);
      if (sequence === 1000) break;
    }
  })();
  for (let i = 0; i < 10; i++) {
    await Promise.all(numbers(1, 100).map((n) => manager.apply({ n, filler })));
  }
  await reading;
  assertEquals(seen, numbers(1, 1000));
  assertEquals((await take(manager, 1, 1000)).length, 1000, "across segments");
});

test("changes() begins at the next mutation after the call when no from is given", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply("before");
  const changes = manager.changes();
  await manager.apply("after the call");
  const { value } = await changes.next();
  assertEquals((value as Change<unknown>).mutation, "after the call");
  await changes.return();
});

test("changes() waits for a from that is in the future", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const taken = take(manager, 4, 2);
  for (let i = 1; i <= 5; i++) await manager.apply(i);
  assertEquals(await taken, [4, 5]);
});

test("changes() ends when the manager is closed, after all that was acknowledged", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { mutation } of manager.changes({ from: 1 })) seen.push(mutation);
  })();
  await manager.apply(1);
  const last = manager.applyAll([2, 3]);
  await manager.close();
  await last;
  await reading;
  assertEquals(seen, [1, 2, 3]);
});

test("changes() of several readers don't disturb each other, nor does one that stops", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  const readers = [take(manager, 1, 3), take(manager, 1, 30), take(manager, 10, 21)];
  for (let i = 1; i <= 30; i++) await manager.apply(i);
  assertEquals((await Promise.all(readers)).map((list) => list.length), [3, 30, 21]);
});

test("changes() leaves nothing out, at whatever step of a commit it is called", async () => {
  for (let turns = 0; turns <= 60; turns++) {
    // Synchronous, so that a commit consists only of turns of one queue.
    const fs = new PowerCutDisk(1);
    await using manager = await openLedger("/state", { fs });
    await manager.apply(1);
    const applied = manager.apply(2);
    for (let turn = 0; turn < turns; turn++) await null;
    const taken = take(manager, 1, 3);
    await applied;
    await manager.apply(3);
    assertEquals(await taken, [1, 2, 3], `asked after ${turns} turns`);
  }
});

test("changes() of a slow reader continues after a compaction, or reports that its part is gone", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  await manager.apply(1);
  const changes = manager.changes({ from: 1 });
  assertEquals((await changes.next()).value?.sequence, 1);
  await manager.apply(2);
  await manager.compact();
  await manager.apply(3);
  await manager.compact();
  // Both are still in memory.
  assertEquals((await changes.next()).value?.sequence, 2);
  assertEquals((await changes.next()).value?.sequence, 3);
  for (let i = 4; i <= 8; i++) {
    await manager.apply({ i, filler: "x".repeat(400_000) });
    await manager.compact();
  }
  // More than is kept in memory, and no longer in the journal.
  await assertFails(() => changes.next(), gone);
  assertEquals(await changes.next(), { done: true, value: undefined });
  await assertFails(() => manager.changes({ from: 1 }).next(), gone);
  const kept = manager.changes({ from: 8 });
  assertEquals((await kept.next()).value?.sequence, 8);
  await kept.return();
});

test("changes() refuses an invalid from", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  for (const from of [-1, 1.5, NaN, Infinity, "1", {}]) {
    await assertFails(() => manager.changes({ from: from as number }).next(), {
      error: RangeError,
      says: /"from" must be a sequence/,
    });
  }
});

test("stateAt() rebuilds the state after every sequence that the journal keeps", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  for (let i = 1; i <= 12; i++) {
    await manager.apply(i);
    if (i === 4) await manager.createSnapshot();
    if (i === 7) await manager.createSnapshot();
  }
  for (let sequence = 0; sequence <= 12; sequence++) {
    assertEquals(await manager.stateAt(sequence), { entries: numbers(1, sequence) });
  }
  await manager.compact();
  // Kept: the snapshots of 7 and 12, and the journal from 8 on.
  for (let sequence = 7; sequence <= 12; sequence++) {
    assertEquals(await manager.stateAt(sequence), { entries: numbers(1, sequence) });
  }
  for (const sequence of [1, 4, 6]) {
    const error = await assertFails(() => manager.stateAt(sequence), gone);
    assertEquals(typeof error.sequence, "number");
  }
  assertEquals(manager.snapshot(), { entries: numbers(1, 12) });
});

test("stateAt() refuses an invalid sequence, and one that is not there yet", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply(1);
  for (const sequence of [-1, 2, 0.5, NaN, "1" as unknown as number]) {
    await assertFails(() => manager.stateAt(sequence), {
      error: RangeError,
      says: /whole number from 0 to 1/,
    });
  }
});

test("stateAt() and changes() read while mutations and compactions continue", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  await manager.apply(1);
  const writing = (async () => {
    for (let i = 2; i <= 300; i++) {
      await manager.apply(i);
      if (i % 75 === 0) await manager.createSnapshot();
    }
  })();
  while (manager.sequence < 300) {
    const { sequence } = manager;
    assertEquals((await manager.stateAt(sequence)).entries.length, sequence);
  }
  await writing;
});

test("stateAt() fails with HISTORY_GONE when the journal no longer reaches so far", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path, { compaction: "manual" });
    for (let i = 1; i <= 4; i++) {
      await manager.apply(i);
      if (i === 2) await manager.createSnapshot();
    }
  }
  await using reader = await openLedger(directory.path, { readOnly: true });
  assertEquals(await reader.stateAt(3), { entries: [1, 2, 3] });
  await rm(directory.join(wal(3)));
  await assertRejects(() => reader.stateAt(3), HistoryGoneError);
  assertEquals(await reader.stateAt(2), { entries: [1, 2] });
});
