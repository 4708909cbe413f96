// Closing while something is being written, and reading while files come and go.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import type { DirectoryEntry } from "@ministate/ministate";
import { CorruptionError, LockedError } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import type { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import { DIRECTORY, NAME, World } from "../simulation/world.ts";
import { freshDisk } from "../simulation/workloads.ts";

/** The disk, whose first listings of the state directory are those of a moment ago. */
function lagging(fs: PowerCutDisk, stale: DirectoryEntry[], count: number): PowerCutDisk {
  let left = count;
  return new Proxy(fs, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "list") return typeof value === "function" ? value.bind(target) : value;
      return (path: string) =>
        path === DIRECTORY && left-- > 0 ? Promise.resolve(stale) : target.list(path);
    },
  });
}

/** A directory from which compaction deletes the first segment, and the listing from before that. */
async function compacted(): Promise<{ fs: PowerCutDisk; stale: DirectoryEntry[] }> {
  const fs = freshDisk();
  const world = new World();
  const manager = await world.open(fs);
  await world.apply(manager);
  const stale = await fs.list(DIRECTORY);
  for (let i = 0; i < 3; i++) {
    await world.apply(manager);
    await manager.compact();
  }
  await manager.close();
  return { fs, stale };
}

test("Journal.open() for reading looks again when the writer deletes a segment it was about to read", async () => {
  const { fs, stale } = await compacted();
  for (const count of [1, 4]) {
    const journal = await Journal.open(DIRECTORY, NAME, {
      fs: lagging(fs, stale, count),
      readOnly: true,
    });
    assertEquals(journal.sequence, 4);
    await journal.close();
  }
});

test("Journal.open() for reading reports a file as missing when it stays so", async () => {
  const { fs, stale } = await compacted();
  const error = await Journal.open(DIRECTORY, NAME, {
    fs: lagging(fs, stale, Infinity),
    readOnly: true,
  }).then(() => null, (error) => error);
  assert(error !== null);
  assertEquals(error.systemCode, "ENOENT");
});

test("Journal.open() for writing fails at once when the journal is damaged, for nobody else is changing it", async () => {
  const { fs } = await compacted();
  const path = fs.paths(DIRECTORY).filter((path) => path.includes(".wal.")).at(-1)!;
  const bytes = fs.peek(path)!;
  bytes[20]! ^= 1;
  fs.plant(path, bytes);
  for (const [readOnly, attempts] of [[false, 1], [true, 5]] as const) {
    const before = fs.log.length;
    await assertRejects(() => Journal.open(DIRECTORY, NAME, { fs, readOnly }), CorruptionError);
    const listings = fs.log.slice(before).filter((call) => call === `list ${DIRECTORY}`);
    assertEquals(listings.length, attempts);
  }
});

test("SnapshotStore.close() keeps the lock until a snapshot that is being written is there", async () => {
  const fs = freshDisk();
  fs.syncDelayMs = 30;
  const store = await SnapshotStore.open<number>(DIRECTORY, NAME, { fs });
  const order: string[] = [];
  const creating = store.create(1, 7).then(() => order.push("created"));
  const closing = store.close().then(() => order.push("closed"));
  await assertRejects(() => SnapshotStore.open(DIRECTORY, NAME, { fs }), LockedError);
  await Promise.all([creating, closing]);
  assertEquals(order, ["created", "closed"]);
  const again = await SnapshotStore.open<number>(DIRECTORY, NAME, { fs });
  assertEquals((await again.restore())?.state, 7);
  await again.close();
});
