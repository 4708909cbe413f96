// Tests that refusals are recorded before a snapshot on a disk that has no room for the segment after it.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { failureOf } from "../support/errors.ts";

/** Counts, and refuses steps of more than `limit`. */
const upTo = (limit: number) => ({
  initial: () => ({ n: 0 }),
  apply(state: { n: number }, by: number) {
    if (by > limit) throw new RangeError(`more than ${limit}`);
    return state.n += by;
  },
});

test("createSnapshot() on a full disk records what was refused before the snapshot", async () => {
  const disk = new PowerCutDisk();
  const open = (fs: PowerCutDisk, limit: number) =>
    StateManager.open("/state", "c.wal.jsonl", upTo(limit), { fs, compaction: "manual" });
  const manager = await open(disk, 5);
  await manager.apply(1);
  await failureOf(() => manager.apply(9));
  disk.spaceLeft = 0;
  await manager.createSnapshot();
  const again = await open(disk.crash(), 10);
  assertEquals(again.recovery.snapshot?.sequence, 2);
  const changes = again.changes({ from: 2, follow: false });
  assertEquals((await changes.next()).value?.refused, true);
});

test("verify() compares with a snapshot in the middle of a segment", async () => {
  const disk = new PowerCutDisk();
  const options = { fs: disk, compaction: "manual" } as const;
  const manager = await StateManager.open("/state", "c.wal.jsonl", upTo(5), options);
  for (const by of [1, 2]) await manager.apply(by);
  disk.spaceLeft = 0;
  await manager.createSnapshot();
  disk.spaceLeft = Infinity;
  for (const by of [3, 4]) await manager.apply(by);
  const { from, to, snapshots, difference } = await manager.verify();
  assertEquals({ from, to, snapshots, difference }, {
    from: 0,
    to: 4,
    snapshots: 1,
    difference: null,
  });
});
