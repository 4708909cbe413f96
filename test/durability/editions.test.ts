// Which files count when a journal goes on beside files that can't be moved away, and where that ends.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { CorruptionError, type DurableFs } from "@ministate/ministate";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { badDisk } from "../support/bad_disk.ts";
import {
  contents,
  damage,
  DIRECTORY,
  kept,
  makeState,
  open,
  pathOf,
  quarantine,
  snapshot,
  wal,
} from "../support/rotten_inodes.ts";
import { journalName } from "../support/samples.ts";

test("a snapshot store writes what counts beside files that were superseded", async () => {
  const disk = await makeState();
  damage(wal(3), '"4"')(disk);
  const fs = badDisk(disk, { part: `state/${snapshot(4)}`, code: "EBADMSG" }).fs;
  await open(fs, quarantine).then((manager) => manager.close());
  await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
  await store.create(4, { kept: true });
  const restored = await store.restore();
  assertEquals([restored?.sequence, restored?.state, restored?.skipped], [4, { kept: true }, []]);
});

test("open() takes no copy under the name of a later edition for one", async () => {
  const disk = await makeState();
  const copy = pathOf(wal(5)).replace(".wal.", ".2.wal.");
  disk.plant(copy, disk.peek(pathOf(wal(5)))!);
  const before = contents(disk);
  const error = await assertRejects(() => open(disk), CorruptionError);
  assertEquals([error.path, contents(disk)], [copy, before]);
});

test("open() refuses, with nothing moved, when no name is left beside a rotten inode", async () => {
  const disk = await makeState();
  const last = pathOf(wal(5)).replace(".wal.", ".9999.wal.");
  disk.plant(last, disk.peek(pathOf(wal(5)))!);
  const fs = badDisk(disk, { part: last, code: "EBADMSG" }).fs;
  const before = disk.paths(DIRECTORY).filter((path) => !path.includes("quarantine"));
  const error = await assertRejects(() => open(fs, quarantine), Error, "EBADMSG");
  assertEquals((error as { code?: string }).code, "IO_FAILED");
  assertEquals(disk.paths(DIRECTORY).filter((path) => !path.includes("quarantine")), before);
});

test("open() cuts a torn tail without keeping it when the quarantine's inode is rotten", async () => {
  const disk = await makeState();
  await open(disk, quarantine).then((manager) => manager.close());
  const path = pathOf(wal(5));
  const text = new TextDecoder().decode(disk.peek(path)!);
  disk.plant(path, new TextEncoder().encode(`${text}[7,"torn`));
  const fs: DurableFs = {
    ...badDisk(disk).fs,
    makeDirectory: (path) =>
      path.endsWith("quarantine")
        ? Promise.reject(Object.assign(new Error("EBADMSG"), { code: "EBADMSG" }))
        : disk.makeDirectory(path),
  };
  await using manager = await open(fs);
  const { torn, lost } = manager.recovery;
  assertEquals([kept(manager), torn?.size, torn?.keptAt, lost], ["123456", 8, null, null]);
  assertEquals((await manager.apply("7")).sequence, 7);
});
