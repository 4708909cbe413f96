// Tests that proof after damage is found whatever the lines after it look like. Nothing acknowledged is taken for a torn tail.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CorruptionError, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { DIRECTORY, NAME } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";

const counter = {
  initial: () => ({ count: 0 }),
  apply: (state: { count: number }, _: unknown) => ++state.count,
};

const LINE_FEED = 10;

function open(fs: PowerCutDisk, onCorruption: "fail" | "quarantine" = "fail") {
  return StateManager.open<{ count: number }, unknown, number>(DIRECTORY, NAME, counter, {
    fs,
    onCorruption,
    compaction: "manual",
  });
}

/** Groups of mutations, of which the second to last one is damaged, though the last one was acknowledged. */
const rows: { name: string; groups: unknown[][]; glued?: boolean }[] = [
  { name: "one plain record follows", groups: [[1], [2], [3]] },
  {
    name: "the record that follows holds its own sequence many times",
    groups: [
      [1],
      [2],
      [Array.from({ length: 40 }, () => [3, 3])],
    ],
  },
  {
    name: "the records that follow hold many numbers in brackets",
    groups: [
      [1],
      [2],
      [Array.from({ length: 70_000 }, (_, i) => [i + 3, 0]), "and another"],
    ],
  },
  { name: "one group of 100,000 follows", groups: [[1], [2], Array(100_000).fill(7)] },
  {
    name: "the line feed before the record that follows is gone",
    groups: [[1], [2], [3]],
    glued: true,
  },
  {
    name: "the line feed is gone and the record holds its own sequence",
    groups: [[1], [2], [[[3, 1], [3, 2], [3, 3], [3, 4]]]],
    glued: true,
  },
  {
    name: "the mutation that follows looks like the end of a batch",
    groups: [
      [1],
      [2],
      ["01234567", ["x", '"01234567"]'], "89abcdef"],
    ],
  },
];

for (const { name, groups, glued = false } of rows) {
  test(`open() calls damage corruption when ${name}`, async () => {
    const fs = freshDisk();
    const manager = await open(fs);
    for (const group of groups) await manager.applyAll(group);
    const path = manager.journalPath;
    const disk = fs.crash();
    const bytes = disk.peek(path)!;
    const text = new TextDecoder("latin1").decode(bytes);
    const start = text.indexOf("\n[2,") + 1;
    bytes[glued ? text.indexOf("\n", start) : start + 3]! ^= 1;
    disk.plant(path, bytes);
    const error = await assertRejects(() => open(disk.image()), CorruptionError);
    const last = groups.flat().length;
    assertEquals(error.lost, { sequenceFirst: glued ? 2 : 2, sequenceLast: last });
    const repaired = await open(disk, "quarantine");
    assertEquals(repaired.sequence, 1);
    assertEquals(repaired.recovery.lost?.sequenceLast, last);
    await repaired.close();
  });
}

test("open() loses nothing when rubbish follows the last record of an older segment", async () => {
  const fs = freshDisk();
  const manager = await open(fs);
  await manager.apply(1);
  const older = manager.journalPath;
  await manager.createSnapshot();
  await manager.apply(2);
  const disk = fs.crash();
  const bytes = disk.peek(older)!;
  const end = bytes.findLastIndex((byte) => byte !== LINE_FEED) + 2;
  // As a rolled-back write leaves it when its truncation was not synced.
  disk.plant(older, new Uint8Array([...bytes.slice(0, end), ...new Uint8Array(600)]));
  for (const path of disk.paths(DIRECTORY)) if (path.includes(".snapshot.")) disk.unplant(path);
  const again = await open(disk);
  assertEquals(again.sequence, 2);
  assertEquals(again.recovery.lost, null);
  const changes = [];
  for await (const { sequence } of again.changes({ from: 1 })) {
    changes.push(sequence);
    if (sequence === 2) break;
  }
  assertEquals(changes, [1, 2]);
  assertEquals((await again.backup("/data/copy")).sequence, 2);
  await again.close();
});
