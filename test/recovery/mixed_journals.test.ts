// Tests files of two journals in one directory, and what damaged snapshots still prove: found by test/simulation/structure_fuzz.test.ts.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CorruptionError, ForeignFormatError } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { openDamaged } from "../../simulation/damage_oracle.ts";
import { fileName } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { DIRECTORY, World } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";

const path = (kind: "wal" | "snapshot", sequence: number) =>
  `${DIRECTORY}/${fileName(kind, sequence).replace("test", "w")}`;

/** Two mutations in the first segment, a snapshot, and the segment after it. */
async function written(world = new World()): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  await world.apply(manager);
  await manager.createSnapshot();
  return fs.crash();
}

/** The same with other mutations and another identity. */
const writtenElsewhere = () => written(new World().fork());

async function withStray(): Promise<PowerCutDisk> {
  const disk = await written();
  disk.plant(path("wal", 3), (await writtenElsewhere()).peek(path("wal", 3))!);
  return disk;
}

test("open() names the foreign file when the newest segment belongs to another journal", async () => {
  const error = await assertRejects(async () => openDamaged(await withStray()), ForeignFormatError);
  assertEquals(error.path, path("wal", 3));
});

test("open() sets aside only the foreign file when the newest segment belongs to another journal", async () => {
  const disk = await withStray();
  const stray = disk.peek(path("wal", 3))!;
  const manager = await openDamaged(disk, { onCorruption: "quarantine" });
  assertEquals(manager.state.ids, [1, 2]);
  assertEquals(manager.recovery.lost?.sequenceFirst, 3);
  assertEquals(disk.peek(manager.recovery.lost!.quarantined[0]!), stray);
  await manager.close();
});

test("open() refuses to choose when half of the files belong to another journal", async () => {
  const disk = await written();
  const elsewhere = await writtenElsewhere();
  disk.unplant(path("wal", 3));
  disk.plant(path("wal", 1), elsewhere.peek(path("wal", 1))!);
  const before = disk.paths(DIRECTORY);
  for (const readOnly of [true, false]) {
    await assertRejects(() => openDamaged(disk.image(), { readOnly }), ForeignFormatError);
  }
  assertEquals(disk.paths(DIRECTORY), before);
  const manager = await openDamaged(disk, { onCorruption: "quarantine" });
  assertEquals(manager.recovery.snapshotsSkipped.length, 1);
  await manager.close();
});

test("open() calls a cut journal corruption when the name of a damaged snapshot goes further", async () => {
  const disk = await written();
  disk.unplant(path("wal", 3));
  const text = new TextDecoder().decode(disk.peek(path("wal", 1))!);
  disk.plant(path("wal", 1), new TextEncoder().encode(text.slice(0, text.indexOf("\n[2,") + 1)));
  const rotten = disk.peek(path("snapshot", 2))!;
  rotten[rotten.length - 30]! ^= 1;
  disk.plant(path("snapshot", 2), rotten);
  const error = await assertRejects(() => openDamaged(disk.image()), CorruptionError);
  assertEquals(error.lost, { sequenceFirst: 2, sequenceLast: 2 });
  const manager = await openDamaged(disk, { onCorruption: "quarantine" });
  assertEquals(manager.state.ids, [1]);
  assertEquals(manager.recovery.lost?.sequenceLast, 2);
  await manager.close();
});

test("stateAt() uses no snapshot of another journal, and changes() no segment", async () => {
  const disk = freshDisk();
  const make = async (fs: PowerCutDisk, prefix: string) => {
    await using manager = await openLedger(DIRECTORY, { fs, compaction: "manual" });
    for (let i = 1; i <= 6; i++) {
      await manager.apply(`${prefix}${i}`);
      if (i === 2 || i === 4) await manager.createSnapshot();
    }
  };
  await make(disk, "own ");
  const elsewhere = freshDisk();
  await make(elsewhere, "foreign ");
  const [first, snapshot] = [fileName("wal", 1), fileName("snapshot", 2)]
    .map((name) => `${DIRECTORY}/${name}`) as [string, string];
  const whole = disk.image();
  // Neither is read to open the state, because a newer snapshot is there.
  disk.plant(first, elsewhere.peek(first)!);
  whole.plant(snapshot, elsewhere.peek(snapshot)!);
  {
    await using manager = await openLedger(DIRECTORY, { fs: whole });
    assertEquals((await manager.stateAt(2)).entries, ["own 1", "own 2"]);
  }
  await using manager = await openLedger(DIRECTORY, { fs: disk });
  await assertRejects(async () => {
    for await (const { mutation } of manager.changes({ from: 1 })) {
      assertEquals(mutation, "of another journal");
    }
  }, ForeignFormatError);
});
