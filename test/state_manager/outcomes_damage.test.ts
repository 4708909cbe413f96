// Tests that a last batch without an outcome that a snapshot already holds changes nothing.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";

const counter = {
  initial: () => ({ n: 0 }),
  apply: (state: { n: number }, by: number) => state.n += by,
};

test("open() counts from the snapshot when the only segment left ends before it", async () => {
  const disk = new PowerCutDisk();
  const open = (fs: PowerCutDisk) =>
    StateManager.open("/state", "c.wal.jsonl", counter, {
      fs,
      compaction: "manual",
      onCorruption: "quarantine",
    });
  const manager = await open(disk);
  const first = manager.journalPath;
  await manager.apply(1);
  const earlier = disk.peek(first)!;
  await manager.apply(2);
  await manager.createSnapshot();
  const damaged = disk.crash();
  damaged.plant(first, earlier);
  damaged.unplant(manager.journalPath);
  const again = await open(damaged);
  assertEquals([again.snapshot(), again.sequence], [{ n: 3 }, 2]);
});
