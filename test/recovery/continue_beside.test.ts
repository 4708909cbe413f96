// Tests which files count when a journal continues beside files that can't be moved, and where that ends.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { CorruptionError, type DurableFs } from "@ministate/ministate";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { type PowerCut, Random } from "../../testing.ts";
import { badDisk } from "../support/bad_disk.ts";
import {
  CASES,
  contents,
  damage,
  DIRECTORY,
  kept,
  make,
  makeState,
  open,
  pathOf,
  quarantine,
  rottenOf,
  snapshot,
  wal,
} from "../support/rotten_inodes.ts";
import { journalName } from "../support/samples.ts";

test("a snapshot store writes snapshots that count beside superseded files", async () => {
  const disk = await makeState();
  damage(wal(3), '"4"')(disk);
  const fs = badDisk(disk, { part: `state/${snapshot(4)}`, code: "EBADMSG" }).fs;
  await open(fs, quarantine).then((manager) => manager.close());
  await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
  await store.create(4, { kept: true });
  const restored = await store.restore();
  assertEquals([restored?.sequence, restored?.state, restored?.skipped], [4, { kept: true }, []]);
});

test("open() doesn't take a copy under the name of a later edition for that edition", async () => {
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

test("open() cuts a torn tail without keeping it when no quarantine can be used", async () => {
  const disk = await makeState();
  await open(disk, quarantine).then((manager) => manager.close());
  const path = pathOf(wal(5));
  const text = new TextDecoder().decode(disk.peek(path)!);
  disk.plant(path, new TextEncoder().encode(`${text}[7,"torn`));
  const fs: DurableFs = {
    ...badDisk(disk).fs,
    makeDirectory: (path) =>
      path.includes("quarantine")
        ? Promise.reject(Object.assign(new Error("EBADMSG"), { code: "EBADMSG" }))
        : disk.makeDirectory(path),
  };
  await using manager = await open(fs);
  const { torn, lost } = manager.recovery;
  assertEquals([kept(manager), torn?.size, torn?.keptAt, lost], ["123456", 8, null, null]);
  assertEquals((await manager.apply("7")).sequence, 7);
});

/** The path of a segment of the second edition. */
const second = (sequence: number) => pathOf(wal(sequence)).replace(".wal.", ".2.wal.");

test("an empty segment of a later edition replaces nothing, and is removed", async () => {
  for (const sequence of [1, 3, 5, 7]) {
    const disk = await makeState();
    disk.plant(second(sequence), new Uint8Array());
    {
      await using reader = await open(disk, { readOnly: true });
      assertEquals([kept(reader), reader.recovery.superseded], ["123456", []]);
    }
    await using manager = await open(disk);
    const { lost, superseded } = manager.recovery;
    assertEquals([kept(manager), lost, superseded], ["123456", null, []]);
    assertEquals(disk.peek(second(sequence)), null);
    assertEquals(disk.paths(DIRECTORY).filter((path) => path.includes("quarantine")), []);
  }
});

test("an empty segment of the current edition counts as never begun", async () => {
  const each = CASES.find(({ name }) => name === "the newest segment")!;
  const disk = await make(each);
  const fs = rottenOf(disk, each, "EBADMSG");
  await open(fs, quarantine).then((manager) => manager.apply("a").then(() => manager.close()));
  disk.plant(second(6), new Uint8Array());
  await using manager = await open(fs);
  const { torn, lost } = manager.recovery;
  assertEquals([kept(manager), torn?.path, torn?.size, lost], ["1234a", second(6), 0, null]);
});

test("a later edition still replaces its files after a power cut on FAT", async () => {
  const fat: PowerCut = {
    writes: "lost",
    names: "kept",
    sizes: "old",
    grown: "zeros",
    entries: "blank",
  };
  for (const each of CASES.filter(({ superseded }) => superseded === undefined)) {
    const disk = await make(each);
    await open(rottenOf(disk, each, "EBADMSG"), quarantine);
    const image = disk.powerCut(fat, new Random(1));
    await using manager = await open(rottenOf(image, each, "EBADMSG"));
    assertEquals([kept(manager), manager.recovery.lost], [each.kept, null], each.name);
  }
});

test("a stuck snapshot that the next edition has superseded needs no other edition", async () => {
  const disk = await makeState();
  const parts = [wal(3), snapshot(4)].map((name) => ({ part: `state/${name}`, code: "EBADMSG" }));
  const fs = badDisk(disk, ...parts).fs;
  await using manager = await open(fs, quarantine);
  const later = disk.paths(DIRECTORY).filter((path) => /\.\d+\.(wal|snapshot)\.jsonl$/.test(path));
  assertEquals([kept(manager), later], ["12", [second(3)]]);
  const { superseded } = manager.recovery;
  assertEquals(superseded.toSorted(), [pathOf(snapshot(4)), pathOf(wal(3))].toSorted());
});

test("the report of what is lost names no file that could not be moved", async () => {
  const each = CASES.find(({ name }) => name === "the newest segment")!;
  const disk = await make(each);
  await using _manager = await open(rottenOf(disk, each, "EBADMSG"), quarantine);
  const report = disk.peek(pathOf("quarantine/lost-from-5.json"))!;
  assertEquals(JSON.parse(new TextDecoder().decode(report)).quarantined, []);
});

test("a copy of a snapshot under the name of a later edition counts for nothing", async () => {
  const disk = await makeState();
  const name = snapshot(4).replace(".snapshot.", ".9999.snapshot.");
  disk.plant(pathOf(name), disk.peek(pathOf(snapshot(4)))!);
  await using manager = await open(disk);
  assertEquals([kept(manager), manager.recovery.snapshot?.path], [
    "123456",
    pathOf(snapshot(4)),
  ]);
  assertEquals((await manager.createSnapshot()).path, pathOf(snapshot(6)));
  assertEquals([disk.peek(pathOf(name)), disk.peek(pathOf(`quarantine/${name}`)) !== null], [
    null,
    true,
  ]);
});

test("a snapshot of a later edition says so, and counts", async () => {
  const each = CASES.find(({ name }) => name === "the newest segment")!;
  const disk = await make(each);
  const fs = rottenOf(disk, each, "EBADMSG");
  {
    await using manager = await open(fs, quarantine);
    await manager.apply("a");
    await manager.createSnapshot();
  }
  await using manager = await open(fs);
  const path = pathOf(snapshot(5)).replace(".snapshot.", ".2.snapshot.");
  assertEquals([kept(manager), manager.recovery.snapshot?.path], ["1234a", path]);
});
