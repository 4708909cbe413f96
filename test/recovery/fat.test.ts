// FAT keeps a file's start and size beside its name, so that a renamed file is empty after a power cut until it is
// synced again. Tests that everything acknowledged is there nevertheless, and that what a cut leaves is recognized.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { CorruptionError, StateManager } from "@ministate/ministate";
import { ANY_POWER_CUT, type PowerCut, type PowerCutDisk, Random } from "../../testing.ts";
import { UNBEGUN } from "../../src/recovery/plan.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { BACKUP, freshDisk } from "../../simulation/workloads.ts";
import { collector, DIRECTORY, NAME, World } from "../../simulation/world.ts";
import { assertFails } from "../support/errors.ts";

/** Everything that was not synced is gone, and names lead to nothing where their files were not synced after them. */
const FAT: PowerCut = {
  writes: "lost",
  names: "lost",
  sizes: "old",
  grown: "zeros",
  entries: "blank",
};
/** The same, with the names there. */
const FAT_NAMED: PowerCut = { ...FAT, names: "kept" };

function cut(disk: PowerCutDisk, rules = FAT): PowerCutDisk {
  return disk.powerCut(rules, new Random(1));
}

function pathOf(kind: "wal" | "snapshot", sequence: number): string {
  return `${DIRECTORY}/w-${`${sequence}`.padStart(16, "0")}.${kind}.jsonl`;
}

/** Lets the power go, or the process die, right after the first call of `work` that matches. */
async function endAfter(
  disk: PowerCutDisk,
  call: RegExp,
  work: (disk: PowerCutDisk) => Promise<unknown>,
): Promise<void> {
  const rehearsal = disk.image();
  await work(rehearsal);
  const index = rehearsal.log.findIndex((line) => call.test(line));
  assert(index >= 0, `no call is ${call}`);
  disk.cutAt = disk.calls + index + 1;
  await work(disk).catch(() => {});
  assert(disk.dead, "the work ended before the cut");
}

test("a snapshot, a backup and a store's snapshot are whole after a power cut on FAT", async () => {
  const disk = freshDisk();
  const world = new World();
  const manager = await world.open(disk);
  await world.apply(manager);
  await manager.createSnapshot();
  await manager.backup(BACKUP);
  const store = await SnapshotStore.open("/data/store", NAME, { fs: disk });
  await store.create(7, { a: 1 });
  const image = cut(disk);
  const opened = await world.fork().open(image);
  assertEquals(opened.recovery.snapshot?.sequence, 1);
  assertEquals(opened.recovery.snapshotsSkipped, []);
  const copy = await StateManager.open(BACKUP, NAME, collector, { fs: image });
  assertEquals([copy.sequence, copy.recovery.snapshotsSkipped], [1, []]);
  const restored = await (await SnapshotStore.open("/data/store", NAME, { fs: image })).restore();
  assertEquals([restored?.state, restored?.skipped], [{ a: 1 }, []]);
});

test("the first record of a journal is there after a power cut on FAT", async () => {
  const disk = freshDisk();
  const journal = await Journal.open(DIRECTORY, NAME, { fs: disk });
  await journal.append({ a: 1 });
  const again = await Journal.open(DIRECTORY, NAME, { fs: cut(disk) });
  assertEquals(again.sequence, 1);
});

/** Two mutations, with a snapshot after the first. */
async function twoMutations(world: World): Promise<PowerCutDisk> {
  const disk = freshDisk();
  const manager = await world.open(disk);
  await world.apply(manager);
  await manager.createSnapshot();
  await world.apply(manager);
  await manager.close();
  return disk.crash();
}

const snapshot = (world: World) => async (disk: PowerCutDisk) => {
  await (await world.fork().open(disk)).createSnapshot();
};

test("compact() syncs a snapshot that a killed process left before it deletes anything", async () => {
  const world = new World();
  const disk = await twoMutations(world);
  await endAfter(disk, /^rename .*snapshot/, snapshot(world));
  const next = disk.crash();
  const manager = await world.open(next);
  assertEquals(manager.recovery.snapshot?.sequence, 2);
  await world.apply(manager);
  const begun = next.calls;
  const { deleted } = await manager.compact();
  assert(deleted.length > 0);
  const calls = next.log.slice(begun);
  const synced = calls.indexOf(`syncAll ${pathOf("snapshot", 2)}`);
  const removed = calls.findIndex((call) => call.startsWith("remove "));
  assert(synced >= 0 && synced < removed, `${calls.join("\n")}`);
  await world.apply(manager);
  await manager.compact();
  const syncs = next.log.filter((call) => call === `syncAll ${pathOf("snapshot", 2)}`);
  assertEquals(syncs.length, 1, "once is enough");
});

test("a snapshot that lost power between its rename and the sync after that is set aside, and says why", async () => {
  const world = new World();
  const disk = await twoMutations(world);
  await endAfter(disk, /^rename .*snapshot/, snapshot(world));
  const image = cut(disk, FAT_NAMED);
  assertEquals(image.peek(pathOf("snapshot", 2))?.length, 0);
  const { snapshotsSkipped, snapshot: base, sequence } = (await world.open(image)).recovery;
  assertEquals([base?.sequence, sequence, snapshotsSkipped.length], [1, 2, 1]);
  assertMatch(snapshotsSkipped[0]!.reason, /is empty.*FAT/);
});

for (const [begun, count] of [["the first", 0], ["another", 2]] as const) {
  test(`open() recreates ${begun} segment that lost power when it got its name`, async () => {
    const world = new World();
    const disk = count === 0 ? freshDisk() : await twoMutations(world);
    await endAfter(
      disk,
      new RegExp(`^rename .*${`${count + 1}`.padStart(16, "0")}\\.wal`),
      count === 0 ? (disk) => world.fork().open(disk) : snapshot(world),
    );
    const image = cut(disk, FAT_NAMED);
    assertEquals(image.peek(pathOf("wal", count + 1))?.length, 0);
    const { verdict, nextOpen } = await inspectState(image.image(), DIRECTORY, NAME);
    assertEquals([verdict, nextOpen.outcome, nextOpen.sequence], ["torn", "cut", count]);
    const reader = await StateManager.open(DIRECTORY, NAME, collector, {
      fs: image.image(),
      readOnly: true,
    });
    assertEquals(reader.sequence, count);
    await reader.backup(BACKUP);
    const manager = await world.open(image);
    const { torn, lost } = manager.recovery;
    assertEquals({ ...torn, lost }, {
      ...nextOpen.torn,
      reason: UNBEGUN,
      keptAt: null,
      lost: null,
    });
    await world.apply(manager);
    await manager.apply({ id: 99 });
    assertEquals(
      (await StateManager.open(DIRECTORY, NAME, collector, { fs: cut(image) })).sequence,
      count + 2,
    );
  });
}

test("an empty segment is damage where a later one, or a snapshot, says that it held records", async () => {
  const world = new World();
  const disk = await twoMutations(world);
  await snapshot(world)(disk);
  const left = disk.crash();
  left.unplant(pathOf("snapshot", 2));
  left.plant(pathOf("wal", 2), new Uint8Array(0));
  // The segment after it begins with 3.
  await assertCorrupt(left.image());
  left.unplant(pathOf("wal", 3));
  // Nothing shows any longer that there was a second mutation, as if the power had failed before it.
  assertEquals(
    (await StateManager.open(DIRECTORY, NAME, collector, { fs: left.image() })).sequence,
    1,
  );
  // A snapshot of the second mutation does, damaged as it is.
  left.plant(pathOf("snapshot", 2), new TextEncoder().encode("rubbish\n"));
  await assertCorrupt(left.image());
});

async function assertCorrupt(fs: PowerCutDisk): Promise<void> {
  const says = /Nothing was changed/;
  await assertFails(
    () => StateManager.open(DIRECTORY, NAME, collector, { fs }),
    { error: CorruptionError, code: "CORRUPT", says },
  );
}

test("createSnapshot() syncs its file twice, and apply() once", async () => {
  const disk = freshDisk();
  const world = new World();
  const manager = await world.open(disk);
  // The second fills space ahead, and so changes the size of the file.
  for (let i = 0; i < 2; i++) await world.apply(manager);
  const count = (begun: number, call: string) =>
    disk.log.slice(begun).filter((line) => line.startsWith(call)).length;
  let begun = disk.calls;
  await world.apply(manager);
  assertEquals([count(begun, "syncData"), count(begun, "syncAll")], [1, 0]);
  begun = disk.calls;
  await manager.createSnapshot();
  // One for the new segment beside it.
  assertEquals([count(begun, "syncAll"), count(begun, "syncDirectory")], [3, 2]);
});

test("PowerCutDisk keeps names blank until their files are synced, only on FAT", async () => {
  const disk = freshDisk();
  const text = (path: string, rules: PowerCut) => {
    const bytes = disk.image().powerCut(rules, new Random(1)).peek(path);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  };
  const whole: PowerCut = { ...FAT, entries: "whole" };
  disk.plant("/data/old", new TextEncoder().encode("old"));
  const file = await disk.open("/data/tmp", "create");
  await file.write(new TextEncoder().encode("new"), 0);
  await file.syncAll();
  await disk.syncDirectory("/data");
  assertEquals(text("/data/tmp", FAT), "new");
  await disk.rename("/data/tmp", "/data/name");
  assertEquals([text("/data/tmp", FAT), text("/data/name", FAT)], ["new", null]);
  await disk.syncDirectory("/data");
  assertEquals([text("/data/name", FAT), text("/data/name", whole)], ["", "new"]);
  const seen = new Set(
    Array.from({ length: 20 }, (_, seed) =>
      new TextDecoder().decode(
        disk.image().powerCut(ANY_POWER_CUT, new Random(seed)).peek("/data/name")!,
      )),
  );
  assertEquals([...seen].sort(), ["", "new"]);
  await file.syncData();
  assertEquals(text("/data/name", FAT), "new");
  await disk.rename("/data/name", "/data/old");
  await disk.syncDirectory("/data");
  assertEquals([text("/data/old", FAT), text("/data/name", FAT)], ["old", null]);
  await file.syncAll();
  assertEquals(text("/data/old", FAT), "new");
});

for (
  const { what, count, size } of [
    { what: "a large file", count: 1, size: 16 * 1024 * 1024 + 1 },
    { what: "each of many files", count: 65, size: 20 },
  ]
) {
  test(`${what} renamed into the quarantine is whole after a power cut on FAT`, async () => {
    const disk = freshDisk();
    const world = new World();
    await world.open(disk).then((manager) => manager.close());
    const strange = new TextEncoder().encode('{"not":"ours"}\n'.padEnd(size, "x"));
    for (let i = 1; i <= count; i++) disk.plant(pathOf("snapshot", i), strange);
    const { snapshotsSkipped } = (await world.open(disk)).recovery;
    assertEquals(snapshotsSkipped.length, count);
    assert(disk.log.some((call) => /^rename .*snapshot.* .*quarantine/.test(call)));
    const image = cut(disk, FAT_NAMED);
    const sizes = snapshotsSkipped.map(({ path }) => image.peek(path)?.length);
    assertEquals(sizes, Array(count).fill(size));
  });
}
