// Tests the comparison of a program with its past: what it finds, where, and what it leaves alone.

import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  ClosedError,
  CorruptionError,
  DROP,
  type DurableFs,
  HistoryGoneError,
  InvalidStateError,
  type Mutator,
  MutatorChangedError,
  type Reducer,
  StateManager,
  type StateManagerOptions,
} from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { hooked, systemError } from "../support/wrapped_fs.ts";

interface Sums {
  n: number;
  by: Record<string, number>;
}

interface Add {
  to: string;
  n: number;
}

type Program = Mutator<Sums, Add> | Reducer<Sums, Add>;

/** Adds `times` as much as it is given, and refuses more than `limit`. */
const adding = (times = 1, limit = 100, more: object = {}): Program => ({
  initial: () => ({ n: 0, by: {} }),
  apply(state: Sums, { to, n }: Add) {
    if (n > limit) throw new RangeError(`more than ${limit}`);
    state.n += n;
    state.by[to] = (state.by[to] ?? 0) + n * times;
  },
  ...more,
});

const open = (fs: DurableFs, program: Program, options: StateManagerOptions = {}) =>
  StateManager.open<Sums, Add>("/state", "s.wal.jsonl", program, {
    fs,
    compaction: "manual",
    ...options,
  });

const name = (kind: "wal" | "snapshot", sequence: number) =>
  `/state/s-${String(sequence).padStart(16, "0")}.${kind}.jsonl`;

/** Six mutations, a refused one, a refused group and an accepted one; snapshots of 2, of 5 and of the end. */
async function history(disk: PowerCutDisk, program: Program): Promise<void> {
  const manager = await open(disk, program);
  await manager.apply({ to: "a/b", n: 1 });
  await manager.apply({ to: "c", n: 2 });
  await manager.createSnapshot();
  await manager.applyAll([{ to: "a/b", n: 3 }, { to: "c", n: 4 }]);
  await Promise.allSettled([manager.apply({ to: "c", n: 5 }), manager.apply({ to: "c", n: 900 })]);
  await manager.createSnapshot();
  await manager.applyAll([{ to: "c", n: 1 }, { to: "c", n: 900 }]).catch(() => {});
  await manager.apply({ to: "~", n: 7 });
  await manager.createSnapshot();
  await manager.close();
}

test("verify() finds no difference in a program that did not change, and says what it compared", async () => {
  const disk = new PowerCutDisk();
  await history(disk, adding());
  const manager = await open(disk, adding());
  const whole = { from: 0, to: 9, snapshots: 3, skipped: [], difference: null };
  assertEquals(await manager.verify(), whole);
  // A program that would accept what was refused: that is recorded.
  assertEquals(await (await open(disk.image(), adding(1, 1000))).verify(), whole);
  const reader = await open(disk, adding(), { readOnly: true });
  assertEquals(await reader.verify(), whole);
  await manager.apply({ to: "a/b", n: 1 });
  await manager.compact();
  assertEquals(await manager.verify(), { ...whole, from: 9, to: 10, snapshots: 1 });
});

test("verify() finds no difference in a state that nothing has changed yet, on the disk or without any file", async () => {
  const disk = new PowerCutDisk();
  const nothing = { from: 0, to: 0, snapshots: 0, skipped: [], difference: null };
  await disk.makeDirectory("/state");
  assertEquals(await (await open(disk, adding(), { readOnly: true })).verify(), nothing);
  const manager = await open(disk, adding());
  assertEquals(await manager.verify(), nothing);
  await manager.createSnapshot();
  assertEquals(await manager.verify(), nothing);
});

test("verify() finds no difference in a reducer, nor without any snapshot", async () => {
  const disk = new PowerCutDisk();
  const reducer: Program = {
    initial: () => ({ n: 0, by: {} }),
    reduce: (state, { to, n }) => ({ n: state.n + n, by: { ...state.by, [to]: n } }),
  };
  const manager = await open(disk, reducer);
  for (let n = 1; n <= 3; n++) await manager.apply({ to: "__proto__", n });
  assertEquals((await manager.verify()).difference, null);
  assertEquals((await manager.verify()).to, 3);
});

test("verify() names the snapshots between which the program has another effect now, and the place", async () => {
  const disk = new PowerCutDisk();
  await history(disk, adding());
  const later = (from: number): Program => ({
    ...adding(),
    apply(state: Sums, { to, n }: Add, { sequence }: { sequence: number }) {
      state.n += n;
      state.by[to] = (state.by[to] ?? 0) + n + (sequence >= from ? 1 : 0);
    },
  });
  const manager = await open(disk, later(4));
  const report = await manager.verify();
  assertEquals(report, {
    from: 0,
    to: 6,
    snapshots: 2,
    skipped: [],
    difference: {
      kind: "snapshot",
      sequenceFirst: 3,
      sequenceLast: 6,
      path: "/by/c",
      expected: 11,
      found: 13,
      snapshot: name("snapshot", 6),
      cause: null,
      message: `The snapshot "${name("snapshot", 6)}" holds 11 at "/by/c", and the program gives ` +
        "13: one of the mutations 3 to 6 has another effect now",
    },
  });
  const { difference } = await (await open(disk.image(), later(9))).verify();
  assertEquals([difference?.sequenceFirst, difference?.sequenceLast, difference?.path], [
    7,
    9,
    "/by/~0",
  ]);
  await assertRejects(() => disk.open("/state/other", "read"));
});

test("verify() says which member is missing on either side, and when one mutation must be the one", async () => {
  const disk = new PowerCutDisk();
  const writer = await open(disk, adding());
  await writer.apply({ to: "a", n: 1 });
  await writer.createSnapshot();
  const without: Program = { ...adding(), apply: (state: Sums, { n }: Add) => void (state.n += n) };
  const lacking = await (await open(disk.image(), without)).verify();
  assertEquals(lacking.difference?.expected, 1);
  assert(!("found" in lacking.difference!));
  assertMatch(
    lacking.difference!.message,
    /holds 1 at "\/by\/a", and the program gives nothing: mutation 1 has/,
  );
  const more: Program = {
    ...adding(),
    apply: (state: Sums, { to, n }: Add) => Object.assign(state, { n, by: { [to]: n }, x: [n] }),
  };
  const adds = await (await open(disk.image(), more)).verify();
  assert(!("expected" in adds.difference!));
  assertEquals([adds.difference!.path, adds.difference!.found], ["/x", [1]]);
  assertMatch(adds.difference!.message, /holds nothing at "\/x", and the program gives \[1\]/);
});

test("verify() reports an accepted mutation that the program refuses now, and doesn't throw", async () => {
  const disk = new PowerCutDisk();
  await history(disk, adding());
  // It opens, because the newest snapshot holds the mutations that it would refuse.
  const manager = await open(disk, adding(1, 3));
  const { from, to, snapshots, difference } = await manager.verify();
  assertEquals([from, to, snapshots], [0, 3, 1]);
  const { kind, sequenceFirst, sequenceLast, path, cause, message } = difference!;
  assertEquals([kind, sequenceFirst, sequenceLast, path], ["mutation", 4, 4, null]);
  assertInstanceOf(cause, MutatorChangedError);
  assertMatch(message, /refuses mutation 4: more than 3; it was accepted/);
  assertEquals(manager.sequence, 9);
});

test("verify() finds what something other than a mutation did to the live state", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk, adding());
  const live = manager.state as Sums;
  live.n = 5;
  const unmoved = (await manager.verify()).difference!;
  assertEquals([unmoved.sequenceFirst, unmoved.sequenceLast, unmoved.path], [0, 0, "/n"]);
  assertMatch(unmoved.message, /gives 0: something other than a mutation changed the live state$/);
  live.n = 0;
  await manager.apply({ to: "a", n: 1 });
  await manager.createSnapshot();
  await manager.apply({ to: "b", n: 1 });
  const part = { c: 1 } as Record<string, unknown>;
  Object.assign(live.by, { b: part });
  const { difference, to } = await manager.verify();
  const { kind, sequenceFirst, sequenceLast, snapshot, path, expected, found, message } =
    difference!;
  assertEquals([to, kind, sequenceFirst, sequenceLast, snapshot], [2, "state", 2, 2, null]);
  assertEquals([path, expected, found], ["/by/b", { c: 1 }, 1]);
  assertMatch(message, /^The live state holds {"c":1} at "\/by\/b", .* or something other than/);
  part.c = 2;
  assertEquals(expected, { c: 1 }, "a report must not hold parts of the live state");
  part.c = () => 1;
  assertEquals((await manager.verify()).difference!.expected, "{}");
  const reader = await open(disk, adding(), { readOnly: true });
  assertEquals((await reader.verify()).difference, null);
  (reader.state as Sums).n++;
  assertEquals((await reader.verify()).difference!.path, "/n");
});

test("verify() finds a program that depends on something besides its mutations", async () => {
  const disk = new PowerCutDisk();
  let tariff = 2;
  const program: Program = {
    ...adding(),
    apply: (state: Sums, { n }: Add) => void (state.n += n * tariff),
  };
  const manager = await open(disk, program);
  await manager.apply({ to: "a", n: 1 });
  assertEquals((await manager.verify()).difference, null);
  tariff = 3;
  assertEquals((await manager.verify()).difference!.path, "/n");
  const product = {
    initial: () => 1,
    reduce: (state: number, by: number) => state * by * tariff,
  };
  const file = { fs: disk };
  const reduced = await StateManager.open("/product", "p.wal.jsonl", product, file);
  await reduced.apply(2);
  tariff = 4;
  const { difference } = await reduced.verify();
  assertEquals([difference?.path, difference?.expected, difference?.found], ["", 6, 8]);
  assertMatch(difference!.message, /^The live state holds 6, and the program gives 8: mutation 1 /);
});

test("verify() says so when the state holds a cycle", async () => {
  const disk = new PowerCutDisk();
  const knot: Mutator<{ self?: unknown }, null> = {
    initial: () => ({}),
    apply: (state) => void (state.self = state),
  };
  const manager = await StateManager.open("/state", "k.wal.jsonl", knot, {
    fs: disk,
    compaction: "manual",
  });
  await manager.apply(null);
  await assertRejects(() => manager.verify(), InvalidStateError, "cycle");
  // The manager is as good as before.
  assertEquals((await manager.apply(null)).sequence, 2);
});

test("verify() compares the state with mutations that are applied meanwhile", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk, adding(), { segmentSizeMax: 65536 });
  const applying: Promise<unknown>[] = [];
  const apply = () =>
    applying.push(manager.apply({ to: "a".repeat(400), n: applying.length % 3 * 60 }));
  for (let i = 0; i < 300; i++) apply();
  await Promise.allSettled(applying);
  let isVerifying = true;
  const verifying = manager.verify().finally(() => isVerifying = false);
  while (isVerifying) {
    apply();
    apply();
    await Promise.allSettled(applying.slice(-2));
  }
  const { to, difference } = await verifying;
  assertEquals(difference, null);
  assert(to > 300 && to <= manager.sequence, `it ended at ${to}`);
  const outcomes = await Promise.allSettled(applying);
  assert(outcomes.some(({ status }) => status === "rejected"), "nothing was refused");
});

test("verify() works after a failed sync, and close() waits for it", async () => {
  const disk = new PowerCutDisk();
  let failing = false;
  const fs = hooked(disk, ({ name }) => {
    if (failing && name.startsWith("sync")) throw systemError("EIO");
  });
  const manager = await open(fs, adding());
  await manager.apply({ to: "a", n: 1 });
  failing = true;
  await assertRejects(() => manager.apply({ to: "a", n: 1 }));
  const verifying = manager.verify();
  const closing = manager.close().catch(() => {});
  assertEquals((await verifying).difference, null);
  assertEquals((await verifying).to, 1);
  await closing;
  await assertRejects(() => manager.verify(), ClosedError);
});

test("verify() passes over a damaged snapshot and reports it, and fails when the journal is damaged", async () => {
  const disk = new PowerCutDisk();
  await history(disk, adding());
  const manager = await open(disk, adding());
  disk.flipBit(name("snapshot", 2), 200, 0);
  const { from, snapshots, skipped, difference } = await manager.verify();
  assertEquals([from, snapshots, difference], [0, 2, null]);
  assertEquals(skipped.map(({ sequence }) => sequence), [2]);
  await disk.remove(name("wal", 1));
  const later = await manager.verify();
  assertEquals([later.from, later.snapshots, later.skipped.length], [6, 1, 1]);
  disk.flipBit(name("wal", 7), 200, 0);
  await assertRejects(() => manager.verify(), CorruptionError);
});

test("verify() begins after a gap that an interrupted compaction left", async () => {
  const disk = new PowerCutDisk();
  await history(disk, adding());
  const manager = await open(disk, adding());
  await disk.remove(name("wal", 3));
  const { from, to, snapshots, difference } = await manager.verify();
  assertEquals([from, to, snapshots, difference], [6, 9, 1, null]);
  for (const { name } of await disk.list("/state")) {
    if (name.endsWith(".wal.jsonl")) await disk.remove(`/state/${name}`);
  }
  const last = await manager.verify();
  assertEquals([last.from, last.to, last.snapshots, last.difference], [9, 9, 0, null]);
  await disk.remove(name("snapshot", 6));
  await disk.remove(name("snapshot", 9));
  await assertRejects(() => manager.verify(), HistoryGoneError, "does not reach sequence 9");
});

test("verify() of a reader outlasts the compactions of a writer beside it", async () => {
  const disk = new PowerCutDisk();
  const writer = await open(disk, adding());
  const step = async () => {
    await writer.apply({ to: "a", n: 1 });
    await writer.compact();
  };
  for (let i = 0; i < 3; i++) await step();
  let isDue = false;
  const fs = hooked(disk, async ({ name }) => {
    // The first read of the verification, when all files are open.
    if (!isDue || name !== "read") return;
    isDue = false;
    for (let i = 0; i < 3; i++) await step();
  });
  const reader = await open(fs, adding(), { readOnly: true });
  isDue = true;
  const { from, to, snapshots, difference } = await reader.verify();
  assertEquals([from, to, snapshots, difference, isDue], [2, 3, 1, null, false]);
  assertEquals(writer.sequence, 6);
  // By now, nothing leads to the reader's state.
  await assertRejects(() => reader.verify(), HistoryGoneError);
});

test("verify() carries snapshots and mutations of an older version over, and leaves out what is dropped", async () => {
  const disk = new PowerCutDisk();
  await history(disk, adding());
  interface Total {
    total: number;
  }
  const migrate = {
    state: (old: unknown) => ({ total: (old as Sums).n }),
    mutation: (old: unknown) => (old as Add).n === 0 ? DROP : { plus: (old as Add).n },
  };
  const openTotal = (from: PowerCutDisk, more: object = {}) =>
    StateManager.open<Total, { plus: number }>("/state", "s.wal.jsonl", {
      initial: () => ({ total: 0 }),
      apply: (state, { plus }) => void (state.total += plus),
      version: 2,
      migrate: { ...migrate, ...more },
    }, { fs: from.image(), compaction: "manual" });
  const { snapshots, difference } = await (await openTotal(disk)).verify();
  assertEquals([snapshots, difference], [3, null]);
  const dropping = { mutation: (old: unknown) => (old as Add).n === 2 ? DROP : { plus: 0 } };
  const dropped = await (await openTotal(disk, dropping)).verify();
  assertEquals([dropped.difference?.sequenceLast, dropped.difference?.path], [2, "/total"]);
  const failing = {
    mutation: (old: unknown) => {
      if ((old as Add).n === 3) throw new Error("no threes");
      return { plus: (old as Add).n };
    },
  };
  const failed = await (await openTotal(disk, failing)).verify();
  assertEquals([failed.to, failed.difference?.kind, failed.difference?.sequenceFirst], [
    2,
    "mutation",
    3,
  ]);
  assertEquals(failed.difference?.cause?.code, "MIGRATION_FAILED");
  const picky = {
    state: (old: unknown) => {
      if ((old as Sums).n === 3) throw new Error("not that one");
      return { total: (old as Sums).n };
    },
  };
  const refused = await (await openTotal(disk, picky)).verify();
  assertEquals([refused.difference?.kind, refused.difference?.snapshot], [
    "snapshot",
    name("snapshot", 2),
  ]);
  assertEquals([refused.to, refused.difference?.sequenceFirst], [2, 2]);
  await disk.remove(name("wal", 1));
  const first = await (await openTotal(disk, picky)).verify();
  assertEquals([first.from, first.snapshots, first.difference?.cause?.code], [
    2,
    0,
    "MIGRATION_FAILED",
  ]);
});

test("verify() of an older version reads no snapshot of a later one, and nor does stateAt()", async () => {
  const disk = new PowerCutDisk();
  await history(disk, adding());
  const migrate = { state: () => ({ n: 0, by: {} }) };
  // It stores a snapshot of its own under the same sequence.
  await (await open(disk, adding(1, 100, { version: 2, migrate }))).close();
  const older = await open(disk, adding(), { readOnly: true, onTooNew: "setAside" });
  const { snapshots, skipped, difference } = await older.verify();
  assertEquals([snapshots, difference], [2, null]);
  assertMatch(skipped[0]!.reason, /version 2 of the mutator wrote it/);
  assertEquals(await older.stateAt(9), older.snapshot());
});
