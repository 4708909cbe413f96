// Tests that setting many files aside takes no more syncs and listings than a few.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  type DurableFile,
  type DurableFs,
  type OpenMode,
  StateManager,
} from "@ministate/ministate";
import { freshDisk } from "../../simulation/workloads.ts";
import { fileName } from "../support/files.ts";
import { journalName, ledger } from "../support/samples.ts";
import { tapped } from "../support/tapped_fs.ts";

const DIRECTORY = "/data/state";

const open = (fs: DurableFs) =>
  StateManager.open(DIRECTORY, journalName, ledger, {
    fs,
    compaction: "manual",
    onCorruption: "quarantine",
  });

/** How often directories are synced and listed when `count` strange files of a kind are set aside. */
async function steps(kind: "wal" | "snapshot", count: number): Promise<[number, number]> {
  const disk = freshDisk();
  await open(disk).then((manager) => manager.apply(1).then(() => manager.close()));
  const strange = new TextEncoder().encode('{"not":"ours"}\n');
  for (let i = 0; i < count; i++) {
    disk.plant(`${DIRECTORY}/${fileName(kind, 1000 + i)}`, strange);
  }
  let lists = 0;
  const tap = tapped({
    open: disk.open.bind(disk),
    rename: disk.rename.bind(disk),
    remove: disk.remove.bind(disk),
    list: (path) => {
      lists++;
      return disk.list(path);
    },
    makeDirectory: disk.makeDirectory.bind(disk),
    syncDirectory: disk.syncDirectory.bind(disk),
    lock: disk.lock.bind(disk),
    lockDirectory: disk.lockDirectory.bind(disk),
    identity: disk.identity.bind(disk),
    resolve: disk.resolve.bind(disk),
    crc32: disk.crc32.bind(disk),
  });
  await using manager = await open(tap.fs);
  assertEquals(manager.state.entries.length, 1);
  const { lost, snapshotsSkipped } = manager.recovery;
  // First comes a copy of the segment that they don't continue.
  const moved = kind === "wal"
    ? lost!.quarantined.slice(1)
    : snapshotsSkipped.map(({ path }) => path).reverse();
  const names = Array.from({ length: count }, (_, i) => fileName(kind, 1000 + i));
  assertEquals(moved, names.map((name) => `${DIRECTORY}/quarantine/${name}`));
  return [tap.directorySyncs, lists];
}

for (const kind of ["wal", "snapshot"] as const) {
  test(`open() syncs and lists no more often for many foreign files than for few (${kind})`, async () => {
    // Few are copied before they are removed, which is one sync of the quarantine more; many are renamed.
    assertEquals(await steps(kind, 60), await steps(kind, 2));
    assertEquals(await steps(kind, 200), await steps(kind, 100));
    assertEquals((await steps(kind, 200))[0], (await steps(kind, 2))[0] - 1);
  });
}

test("open() syncs many renamed files several at a time, and never has more than 16 of them open", async () => {
  const disk = freshDisk();
  await open(disk).then((manager) => manager.close());
  const strange = new TextEncoder().encode('{"not":"ours"}\n');
  for (let i = 0; i < 100; i++) disk.plant(`${DIRECTORY}/${fileName("wal", 1000 + i)}`, strange);
  let opened = 0, openedMost = 0, synced = 0;
  const fs: DurableFs = new Proxy(disk, {
    get(target, key) {
      if (key === "open") return openCounted;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  async function openCounted(path: string, mode: OpenMode): Promise<DurableFile> {
    const file = await disk.open(path, mode);
    if (!path.includes("/quarantine/") || mode !== "write") return file;
    openedMost = Math.max(openedMost, ++opened);
    return new Proxy(file, {
      get(target, key) {
        if (key === "close") opened--;
        if (key === "syncAll") synced++;
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
  await using manager = await open(fs);
  assertEquals(manager.recovery.lost!.quarantined.length, 101);
  // The last one is moved alone, and so as a copy.
  assertEquals({ opened, openedMost, synced }, { opened: 0, openedMost: 16, synced: 99 });
});

test("open() gives a snapshot that is set aside a name that was never used", async () => {
  const disk = freshDisk();
  await open(disk).then((manager) => manager.close());
  const name = fileName("snapshot", 1000);
  const strange = new TextEncoder().encode('{"not":"ours"}\n');
  for (const n of [1, 2, 3]) {
    disk.plant(`${DIRECTORY}/${name}`, strange);
    const manager = await open(disk);
    const aside = `${DIRECTORY}/quarantine/${name}`;
    assertEquals(manager.recovery.snapshotsSkipped[0]?.path, n === 1 ? aside : `${aside}.${n}`);
    await manager.close();
  }
});
