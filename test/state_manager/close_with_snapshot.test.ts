// Tests close({ snapshot: true }): nothing is left to replay, and no failure of the snapshot prevents the close.

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ClosedError,
  DiskFullError,
  type DurableFs,
  InvalidStateError,
  PoisonedError,
  ReadOnlyError,
  StateManager,
  type StateManagerOptions,
} from "@ministate/ministate";
import { crashImages, type PowerCutDisk } from "@ministate/ministate/testing";
import { freshDisk } from "../../simulation/workloads.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { journalName } from "../support/samples.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Kept {
  kept: unknown[];
}

const keeper = {
  initial: (): Kept => ({ kept: [] }),
  apply: (state: Kept, mutation: unknown) => state.kept.push(mutation === "spoil" ? NaN : mutation),
};

function open(fs: DurableFs, options: StateManagerOptions = {}, directory = DIRECTORY) {
  return StateManager.open(directory, journalName, keeper, { ...options, fs });
}

function namesOf(disk: PowerCutDisk, ending: string): string[] {
  return disk.paths(DIRECTORY).filter((path) => path.endsWith(ending)).sort();
}

for (const compaction of ["automatic", "manual"] as const) {
  test(`close({ snapshot: true }) leaves nothing to replay when compaction is ${compaction}`, async () => {
    const disk = freshDisk();
    const manager = await open(disk, { compaction });
    await manager.apply(1);
    const waiting = manager.apply(2);
    await manager.close({ snapshot: true });
    assertEquals((await waiting).sequence, 2);
    await using again = await open(disk.crash());
    const { replayed, snapshot, sealed } = again.recovery;
    assertEquals([again.sequence, replayed, snapshot?.sequence, sealed], [2, 0, 2, true]);
    assertEquals(again.snapshot(), { kept: [1, 2] });
  });
}

test("close({ snapshot: true }) writes a large state from memory, without a replay", async () => {
  const disk = freshDisk();
  let runs = 0;
  const counting = {
    ...keeper,
    apply(state: Kept, mutation: unknown) {
      runs++;
      return keeper.apply(state, mutation);
    },
  };
  const options = { fs: disk, compaction: "manual" } as const;
  const manager = await StateManager.open(DIRECTORY, journalName, counting, options);
  await manager.apply("x".repeat(300_000));
  await manager.createSnapshot();
  await manager.apply(2);
  const runsBefore = runs;
  await manager.close({ snapshot: true });
  assertEquals(runs, runsBefore);
  await using again = await open(disk);
  assertEquals([again.recovery.replayed, again.state.kept.length], [0, 2]);
});

test("close({ snapshot: true }) writes no snapshot when there is nothing to replay", async () => {
  const disk = freshDisk();
  await (await open(disk)).close({ snapshot: true });
  assertEquals(namesOf(disk, ".snapshot.jsonl"), [], "not before the first mutation");
  const manager = await open(disk);
  await manager.apply(1);
  await manager.createSnapshot();
  const names = disk.paths(DIRECTORY);
  await manager.close({ snapshot: true });
  await (await open(disk)).close({ snapshot: true });
  assertEquals(disk.paths(DIRECTORY), names);
});

test("close({ snapshot: true }) keeps a directory small that is closed often", async () => {
  const disk = freshDisk();
  for (let i = 0; i < 10; i++) {
    const manager = await open(disk);
    await manager.apply(i);
    await manager.close({ snapshot: true });
  }
  assertEquals(namesOf(disk, ".snapshot.jsonl").length, 2);
  assert(namesOf(disk, ".wal.jsonl").length <= 3, namesOf(disk, ".wal.jsonl").join());
});

test("close({ snapshot: true }) deletes nothing when compaction is manual", async () => {
  const disk = freshDisk();
  for (let i = 0; i < 4; i++) {
    const manager = await open(disk, { compaction: "manual" });
    await manager.apply(i);
    await manager.close({ snapshot: true });
  }
  assertEquals(namesOf(disk, ".snapshot.jsonl").length, 4);
});

test("close({ snapshot: true }) closes, releases the lock and rejects when the state is not JSON", async () => {
  const disk = freshDisk();
  const manager = await open(disk);
  await manager.apply("spoil");
  await assertRejects(() => manager.close({ snapshot: true }), InvalidStateError, "$.kept[0]");
  await assertRejects(() => manager.apply(1), ClosedError);
  await using again = await open(disk);
  assertEquals([again.sequence, again.recovery.sealed], [1, true]);
  assertEquals(again.stats().compactionFailure?.code, "INVALID_STATE", "the seal records it");
});

test("close({ snapshot: true }) closes, releases the lock and rejects when the disk is full", async () => {
  await using directory = await temporaryDirectory();
  let isFull = false;
  const fs = await wrapFs(({ name, path }) => {
    if (isFull && name === "write" && path.includes(".snapshot.")) throw systemError("ENOSPC");
  });
  const manager = await open(fs, {}, directory.path);
  await manager.apply(1);
  isFull = true;
  await assertRejects(() => manager.close({ snapshot: true }), DiskFullError);
  isFull = false;
  await using again = await open(fs, {}, directory.path);
  assertEquals([again.recovery.sealed, again.recovery.replayed], [true, 1]);
});

test("close({ snapshot: true }) closes, releases the lock and rejects when the manager is poisoned", async () => {
  await using directory = await temporaryDirectory();
  let fails = false;
  const fs = await wrapFs(({ name }) => {
    if (fails && name.startsWith("sync")) throw systemError("EIO");
  });
  const manager = await open(fs, {}, directory.path);
  await manager.apply(1);
  fails = true;
  await assertRejects(() => manager.apply(2), PoisonedError);
  fails = false;
  await assertRejects(() => manager.close({ snapshot: true }), PoisonedError);
  await using _again = await open(fs, {}, directory.path);
});

test("close({ snapshot: true }) closes and rejects when the manager is read-only", async () => {
  const disk = freshDisk();
  await (await open(disk)).close();
  const reader = await open(disk, { readOnly: true });
  await assertRejects(() => reader.close({ snapshot: true }), ReadOnlyError);
  await assertRejects(() => reader.stateAt(0), ClosedError);
});

test("close() waits for the snapshot of an earlier call, and reports its failure only to that one", async () => {
  const disk = freshDisk();
  const manager = await open(disk);
  await manager.apply("spoil");
  const first = assertRejects(() => manager.close({ snapshot: true }), InvalidStateError);
  await manager.close();
  await using again = await open(disk);
  assertEquals(again.sequence, 1, "the lock is released");
  await first;
  await assertRejects(() => manager.close({ snapshot: true }), InvalidStateError);
  await manager.close();
});

test("close({ snapshot: true }) rejects after a close without a snapshot", async () => {
  const disk = freshDisk();
  const manager = await open(disk);
  await manager.apply(1);
  const closed = manager.close();
  await assertRejects(() => manager.close({ snapshot: true }), ClosedError);
  await closed;
  assertEquals(namesOf(disk, ".snapshot.jsonl"), []);
});

const wrong: [string, unknown, string][] = [
  ["null", null, "must be an object"],
  ["an unknown option", { snapshots: true }, 'Unknown option "snapshots"'],
  ["a number", { snapshot: 1 }, '"snapshot" must be one of true, false'],
];
for (const [name, options, says] of wrong) {
  test(`close() refuses ${name} as options, and stays open`, async () => {
    await using manager = await open(freshDisk());
    const error = await assertRejects(() => manager.close(options as { snapshot: boolean }), Error);
    assert(error instanceof TypeError || error instanceof RangeError);
    assert(error.message.includes(says), error.message);
    assertEquals((await manager.apply(1)).sequence, 1);
  });
}

for (const compaction of ["automatic", "manual"] as const) {
  test(`open() finds everything when the power is cut during close({ snapshot: true }), compaction ${compaction}`, async () => {
    let withoutTail = 0;
    for (let cut = 1;; cut++) {
      const disk = freshDisk();
      for (let i = 0; i < 2; i++) {
        const before = await open(disk, { compaction });
        await before.apply(i);
        await before.close({ snapshot: true });
      }
      const manager = await open(disk, { compaction });
      await manager.apply(2);
      disk.cutAt = disk.calls + cut;
      const closed = await manager.close({ snapshot: true }).then(() => true, () => false);
      for (const image of crashImages(disk)) {
        await using recovered = await open(image, { compaction });
        assertEquals(recovered.snapshot(), { kept: [0, 1, 2] }, `cut ${cut}`);
        if (recovered.recovery.replayed === 0) withoutTail++;
        else assert(!closed, `cut ${cut}: a tail is left`);
        assertEquals((await recovered.apply(3)).sequence, 4);
      }
      if (closed) break;
    }
    assert(withoutTail > 1);
  });
}
