// Tests that a backup and the next compaction work after a compaction lost power half-way.

import { assert } from "@std/assert";
import { test } from "node:test";
import { crashImages } from "../../testing.ts";
import { BACKUP, freshDisk } from "../../simulation/workloads.ts";
import { collector, NAME, World } from "../../simulation/world.ts";
import { StateManager } from "@ministate/ministate";

test("backup() and compact() work when an earlier compaction lost power at any call", async () => {
  let interrupted = 0;
  for (let after = 0, finished = false; !finished; after++) {
    const fs = freshDisk();
    const world = new World();
    const manager = await world.open(fs);
    for (let i = 0; i < 3; i++) {
      await manager.createSnapshot();
      await world.apply(manager);
    }
    fs.cutAt = fs.calls + after + 1;
    await manager.compact().catch(() => {});
    finished = !fs.dead;
    for (const image of crashImages(fs, { imagesMax: 64, seed: after })) {
      interrupted++;
      const next = await world.fork().open(image);
      await next.backup(BACKUP);
      await next.compact();
      await next.close();
      const copy = await StateManager.open(BACKUP, NAME, collector, { fs: image });
      assert(copy.sequence === 3, `the backup ends at ${copy.sequence}`);
      await copy.close();
    }
  }
  assert(interrupted > 100, `only ${interrupted} images`);
});
