// Tests what a program would make of a directory that it has not opened: after a crash, and beside a running writer.

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  CorruptionError,
  DROP,
  type DurableFs,
  ForeignFormatError,
  HistoryGoneError,
  type Mutator,
  NoStateError,
  StateManager,
  TooNewError,
} from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { verifyDirectory } from "../../src/state/verify_files.ts";
import { hooked, systemError } from "../support/wrapped_fs.ts";

interface Counter {
  n: number;
}

interface By {
  by: number;
}

type Program = Mutator<Counter, By>;

const upTo = (limit: number, more: object = {}): Program => ({
  initial: () => ({ n: 0 }),
  apply(state: Counter, { by }: By) {
    if (by > limit) throw new RangeError(`more than ${limit}`);
    state.n += by;
  },
  ...more,
});

const NAME = "c.wal.jsonl";
const open = (fs: DurableFs, program: Program, more: object = {}) =>
  StateManager.open<Counter, By>("/state", NAME, program, { fs, compaction: "manual", ...more });
const verify = (fs: DurableFs, program: Program) => verifyDirectory(fs, "/state", NAME, program);

/** A directory whose writer crashed after its last batch: no line says what became of that. */
async function crashed(program: Program, ...last: By[]): Promise<PowerCutDisk> {
  const disk = new PowerCutDisk();
  const manager = await open(disk, program);
  await manager.apply({ by: 1 });
  await manager.applyAll(last).catch(() => {});
  return disk.image();
}

test("verifyDirectory() runs a last batch without an outcome as the next open would", async () => {
  const group = [{ by: 2 }, { by: 95 }];
  const disk = await crashed(upTo(100), ...group);
  const same = { from: 0, to: 3, snapshots: 0, skipped: [], difference: null };
  assertEquals(await verify(disk, upTo(100)), same);
  // Under the same version it may refuse them, all together.
  assertEquals(await verify(disk, upTo(90)), same);
  const next = upTo(90, { version: 2, migrate: {} });
  const { to, difference } = await verify(disk, next);
  assertEquals([to, difference?.sequenceFirst, difference?.sequenceLast], [2, 3, 3]);
  assertMatch(difference!.message, /refuses mutation 3: .* no line says what became of it/);
  const dropping = { mutation: (old: By) => old.by === 95 ? DROP : old };
  assertEquals(await verify(disk, upTo(90, { version: 2, migrate: dropping })), same);
  const failing = {
    mutation() {
      throw new Error("no");
    },
  };
  const alone = await crashed(upTo(100));
  const failed = await verify(alone, upTo(100, { version: 2, migrate: failing }));
  assertEquals([failed.to, failed.difference?.sequenceFirst], [0, 1]);
  assertEquals(failed.difference?.cause?.code, "MIGRATION_FAILED");
});

test("verifyDirectory() compares a snapshot that shows what became of a last batch without an outcome", async () => {
  const disk = new PowerCutDisk();
  // With no space for a segment, the snapshot is written beside the batch that it contains.
  const fs = hooked(disk, ({ name, path }) => {
    if (name === "open" && path.includes("3.wal")) throw systemError("ENOSPC");
  });
  const manager = await open(fs, upTo(100));
  await manager.apply({ by: 1 });
  await manager.apply({ by: 95 });
  await manager.createSnapshot();
  const left = disk.image();
  assertEquals((await left.list("/state")).filter(({ name }) => name.includes(".wal.")).length, 1);
  const { snapshots, difference } = await verify(left, upTo(100));
  assertEquals([snapshots, difference], [1, null]);
  const stricter = (await verify(left, upTo(90))).difference!;
  assertEquals([stricter.kind, stricter.expected, stricter.found], ["snapshot", 96, 1]);
});

test("verifyDirectory() says so when the migrated state can't be stored", async () => {
  const disk = await crashed(upTo(100));
  const odd: Program = {
    ...upTo(100, { version: 2, migrate: {} }),
    apply: (state) => void (state.n = NaN),
  };
  const { to, difference } = await verify(disk, odd);
  assertEquals([to, difference?.kind, difference?.cause?.code], [1, "state", "MIGRATION_FAILED"]);
  await assertRejects(() => open(disk, odd), "$.n is the number NaN");
});

test("verifyDirectory() says so when the stored initial state can't be migrated", async () => {
  const disk = await crashed(upTo(100));
  const state = () => {
    throw new Error("no");
  };
  const { to, difference } = await verify(disk, upTo(100, { version: 2, migrate: { state } }));
  assertEquals([to, difference?.kind, difference?.snapshot], [0, "snapshot", "/state"]);
  assertEquals(difference?.cause?.code, "MIGRATION_FAILED");
});

test("verifyDirectory() fails like the open of a program that can't use the directory", async () => {
  const disk = new PowerCutDisk();
  await assertRejects(() => verify(disk, upTo(1)), NoStateError);
  const manager = await open(disk, upTo(100, { name: "counter", version: 2 }));
  await manager.apply({ by: 1 });
  await manager.apply({ by: 2 });
  await manager.close();
  await assertRejects(() => verify(disk, upTo(1, { name: "clock" })), ForeignFormatError);
  await assertRejects(() => verify(disk, upTo(1, { name: "counter" })), TooNewError);
  await assertRejects(() => verify(disk, {} as Program), TypeError);
  disk.flipBit(`/state/c-${"1".padStart(16, "0")}.wal.jsonl`, 200, 0);
  const same = upTo(100, { name: "counter", version: 2 });
  await assertRejects(() => verify(disk, same), CorruptionError);
});

test("verifyDirectory() changes nothing, holds no lock, and works beside the running program", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk, upTo(100));
  for (const by of [1, 2, 300]) await manager.apply({ by }).catch(() => {});
  const changed: string[] = [];
  const fs = hooked(disk, ({ name, path }) => {
    if (!["open", "read", "syncData"].includes(name)) changed.push(`${name} ${path}`);
  });
  assertEquals((await verify(fs, upTo(2))).difference, null);
  assertEquals((await verify(fs, upTo(1))).difference?.sequenceFirst, 2);
  assertEquals(changed, []);
  await manager.apply({ by: 3 });
  // Only the next line says that it was accepted.
  assertEquals((await verify(fs, upTo(2))).difference, null);
  await manager.apply({ by: 1 });
  assertEquals((await verify(fs, upTo(2))).difference?.sequenceFirst, 4);
});

test("verifyDirectory() begins again when a compaction overtakes it, and gives up on one that always does", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk, upTo(100));
  const step = async () => {
    await manager.apply({ by: 1 });
    await manager.compact();
  };
  for (let i = 0; i < 3; i++) await step();
  let times = 1;
  let opened = 0;
  const fs = hooked(disk, async ({ name }) => {
    if (name !== "open") opened = 0;
    else opened++;
    // Opened in a row, without a read in between: the files are being held from now on.
    if (name !== "open" || opened !== 2 || times === 0) return;
    times--;
    for (let i = 0; i < 3; i++) await step();
  });
  const { from, to, difference } = await verify(fs, upTo(100));
  assertEquals([times, from, to, difference], [0, 5, 6, null]);
  times = Infinity;
  await assertRejects(() => verify(fs, upTo(100)), HistoryGoneError);
});
