// Tests which snapshots of a copy of the directory an open passes over, and that it passes over no other.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { CorruptionError } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { assertFails } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";

const path = (kind: "wal" | "snapshot", sequence: number) =>
  `${DIRECTORY}/${fileName(kind, sequence)}`;

const open = (fs: PowerCutDisk, onCorruption: "fail" | "quarantine" = "fail") =>
  openLedger(DIRECTORY, { fs, compaction: "manual", onCorruption });

const common = freshDisk();
{
  await using manager = await open(common);
  await manager.apply("both 1");
}

/** Continues a copy of the directory with the mutations 2 to 6 of an owner. */
async function continued(owner: string, ...snapshots: number[]): Promise<PowerCutDisk> {
  const fs = common.crash();
  await using manager = await open(fs);
  for (let i = 2; i <= 6; i++) {
    await manager.apply(`${owner} ${i}`);
    if (snapshots.includes(i)) await manager.createSnapshot();
  }
  await manager.close();
  return fs.crash();
}

/** Our directory with a file of the copy. */
async function mixed(
  kind: "wal" | "snapshot",
  sequence: number,
  ours: number[],
  gone: string[] = [],
): Promise<PowerCutDisk> {
  const [disk, theirs] = [await continued("ours", ...ours), await continued("theirs", 2, 4, 5, 6)];
  disk.plant(path(kind, sequence), theirs.peek(path(kind, sequence))!);
  for (const each of gone) disk.unplant(each);
  return disk;
}

const entries = (last: number) =>
  Array.from({ length: last }, (_, i) => i === 0 ? "both 1" : `ours ${i + 1}`);

const rows: { title: string; disk: () => Promise<PowerCutDisk>; stray: number; start: number }[] = [
  {
    title: "the journal has no beginning any more",
    disk: () => mixed("snapshot", 4, [2, 4], [path("wal", 1)]),
    stray: 4,
    start: 2,
  },
  {
    title: "the journal ends at its sequence",
    disk: () => mixed("snapshot", 6, [2]),
    stray: 6,
    start: 2,
  },
  {
    title: "a segment begins with its sequence",
    disk: () => mixed("snapshot", 5, [4, 5]),
    stray: 5,
    start: 4,
  },
];

for (const { title, disk, stray, start } of rows) {
  test(`open() passes over a snapshot of a copy when ${title}`, async () => {
    const fs = await disk();
    await using manager = await open(fs);
    assertEquals(manager.state.entries, entries(6));
    const { snapshot, snapshotsSkipped } = manager.recovery;
    assertEquals(snapshotsSkipped.map(({ sequence }) => sequence), [stray]);
    assertEquals(snapshot?.sequence, start);
  });
}

test("open() uses its newest snapshot, and passes over none, when the segment after it is a copy's", async () => {
  const fs = await mixed("wal", 5, [2, 4]);
  await using manager = await open(fs, "quarantine");
  assertEquals(manager.state.entries, entries(4));
  const { snapshot, snapshotsSkipped, lost } = manager.recovery;
  assertEquals([snapshot?.sequence, snapshotsSkipped, lost?.sequenceFirst], [4, [], 5]);
});

test("open() passes over no older snapshot that is damaged, and leaves it where it is", async () => {
  const fs = await mixed("snapshot", 5, [2, 4, 5]);
  const damaged = fs.peek(path("snapshot", 2))!.slice(0, -4);
  fs.plant(path("snapshot", 2), damaged);
  await using manager = await open(fs);
  assertEquals(manager.recovery.snapshotsSkipped.map(({ sequence }) => sequence), [5]);
  assertEquals(fs.peek(path("snapshot", 2)), damaged);
});

test("open() reports that the journal is missing when only snapshots are left", async () => {
  const fs = await mixed("wal", 5, [4], [path("wal", 1), path("wal", 5)]);
  const error = await assertFails(() => open(fs), {
    error: CorruptionError,
    code: "CORRUPT",
    says: /there is no segment, though there was a journal/,
  });
  assertEquals(error.sequence, 5);
});
