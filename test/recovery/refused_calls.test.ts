// Tests open() and an inspection when the file system refuses single calls.

import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CorruptionError, type DurableFs, IoError } from "@ministate/ministate";
import { inspectState } from "../../src/recovery/inspect.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { badDisk } from "../support/bad_disk.ts";
import { fileName } from "../support/files.ts";
import {
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
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const FOLDER = `${DIRECTORY}/quarantine`;

/**
 * The disk, refusing what `refuse` gives a code for.
 *
 * @param refuse is given the method, its first argument, and how often that was called
 */
function refusing(
  disk: PowerCutDisk,
  refuse: (method: string, path: string, count: number) => string | null,
): PowerCutDisk {
  const counts = new Map<string, number>();
  return new Proxy(disk, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const [method, path] = [String(key), `${args[0]}`];
        const count = (counts.get(`${method} ${path}`) ?? 0) + 1;
        counts.set(`${method} ${path}`, count);
        const code = refuse(method, path, count);
        if (code !== null) throw systemError(code);
        return value.apply(target, args);
      };
    },
  });
}

test("open() fails with the system's error when the quarantine can't be listed or synced", async () => {
  // The first sync makes the copy of the damaged segment durable, the second that of the one after it.
  for (
    const [method, first] of [["list", 1], ["syncDirectory", 1], ["syncDirectory", 2]] as const
  ) {
    const disk = await makeState();
    for (const sequence of [2, 4]) disk.unplant(pathOf(snapshot(sequence)));
    damage(wal(1), '"2"')(disk);
    const fs = refusing(
      disk,
      (name, path, count) => name === method && path === FOLDER && count >= first ? "EIO" : null,
    );
    const error = await assertRejects(() => open(fs, quarantine), IoError);
    assertEquals(error.systemCode, "EIO");
    assert(disk.peek(pathOf(wal(5))) !== null, "the last segment went before the others had");
    await using manager = await open(disk, quarantine);
    assertEquals([kept(manager), manager.recovery.lost?.sequenceFirst], ["1", 2]);
  }
});

test("open() fails with the system's error when a damaged segment may not be moved, and moves it the next time", async () => {
  const disk = await makeState();
  const bad = badDisk(disk, { part: `state/${wal(5)}`, code: "EIO" });
  let code: string | null = "EACCES";
  const fs: DurableFs = {
    ...bad.fs,
    async rename(from, to) {
      if (code !== null && from === pathOf(wal(5))) throw systemError(code);
      await disk.rename(from, to);
    },
  };
  const error = await assertRejects(() => open(fs, quarantine), IoError);
  assertEquals([error.systemCode, disk.peek(pathOf(wal(5))) !== null], ["EACCES", true]);
  code = null;
  await using manager = await open(fs, quarantine);
  const { lost, superseded } = manager.recovery;
  assertEquals([kept(manager), lost?.quarantined, superseded], [
    "1234",
    [`${FOLDER}/${wal(5)}`],
    [],
  ]);
});

test("open() moves aside what it can't read, before a snapshot and after the damage", async () => {
  const cases = [
    // Nothing is after the snapshot, and what is before it can't be opened.
    { unreadable: wal(3), prepare: [wal(5), snapshot(2)], damaged: null, kept: "1234" },
    { unreadable: wal(5), prepare: [snapshot(2), snapshot(4)], damaged: wal(3), kept: "123" },
  ];
  for (const { unreadable, prepare, damaged, kept: expected } of cases) {
    const disk = await makeState();
    for (const name of prepare) disk.unplant(pathOf(name));
    if (damaged !== null) damage(damaged, '"4"')(disk);
    const original = disk.peek(pathOf(unreadable))!;
    const bad = badDisk(disk, { part: unreadable, code: "EIO" });
    const fs: DurableFs = { ...bad.fs, rename: (from, to) => disk.rename(from, to) };
    await using manager = await open(fs, quarantine);
    const { lost, superseded } = manager.recovery;
    const aside = lost!.quarantined.at(-1)!;
    assertEquals([kept(manager), aside, superseded], [expected, `${FOLDER}/${unreadable}`, []]);
    assertEquals(disk.peek(aside), original);
    assertEquals(disk.peek(pathOf(unreadable)), null);
  }
});

test("open() continues when rotten snapshots have no quarantine to go to", async () => {
  const disk = await makeState();
  damage(snapshot(4), '"4"')(disk);
  const fs = refusing(disk, (name, path) => name === "list" && path === FOLDER ? "EIO" : null);
  await using manager = await open(fs);
  const { snapshotsSkipped, lost } = manager.recovery;
  assertEquals([kept(manager), lost], ["123456", null]);
  assertEquals(snapshotsSkipped.map(({ path }) => path), [pathOf(snapshot(4))]);
});

test("open() takes a rotten snapshot's sequence for proven when it can't be opened a second time", async () => {
  for (const code of ["EIO", "EACCES"]) {
    const disk = await makeState();
    disk.unplant(pathOf(wal(5)));
    disk.unplant(pathOf(wal(3)));
    disk.unplant(pathOf(snapshot(2)));
    damage(snapshot(4), '"4"')(disk);
    // Opened for whose it is, then for the state.
    const fs = refusing(
      disk,
      (name, path, count) =>
        name === "open" && path === pathOf(snapshot(4)) && count > 1 ? code : null,
    );
    if (code === "EACCES") {
      const error = await assertRejects(() => open(fs), IoError);
      assertEquals(error.systemCode, code);
    } else {
      const error = await assertRejects(() => open(fs), CorruptionError);
      assertEquals(error.lost, { sequenceFirst: 3, sequenceLast: 4 });
    }
  }
});

test("an inspection fails with the system's error when a file is refused for a passing reason", async () => {
  const disk = await makeState();
  for (const name of [snapshot(4), wal(5)]) {
    const fs = refusing(
      disk,
      (method, path) => method === "open" && path === pathOf(name) ? "EMFILE" : null,
    );
    const error = await assertRejects(() => inspectState(fs, DIRECTORY, journalName), IoError);
    assertEquals([error.systemCode, error.path], ["EMFILE", pathOf(name)]);
  }
});

test("open() quotes the system's message when it has no code", async () => {
  const disk = await makeState();
  const code = "Something is wrong with it (os error 999)";
  const { fs } = badDisk(disk, { part: `state/${wal(5)}`, code, range: [0, 10] });
  const error = await assertRejects(() => open(fs), CorruptionError, code);
  assertEquals(error.systemCode, undefined);
});

test("open() fails with the system's error when an unfinished file can't be removed", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join(`${fileName("wal", 9)}.tmp`), "unfinished");
  const fs = await wrapFs(({ name }) => {
    if (name === "remove") throw systemError("EACCES");
  });
  await assertRejects(() => openLedger(directory.path, { fs }), IoError, "EACCES");
});

test("an inspection counts a file as empty when the disk refuses to give its size", async () => {
  const disk = await makeState();
  disk.plantDirectory(FOLDER);
  disk.plant(`${FOLDER}/lost`, new Uint8Array(10));
  const fs = new Proxy(badDisk(disk, { part: "quarantine/lost", code: "EIO" }).fs, {
    get: (target, key) => {
      const value = Reflect.get(target, key);
      if (key !== "open") return typeof value === "function" ? value.bind(target) : value;
      return async (path: string, mode: "read") => {
        const file = await target.open(path, mode);
        if (path !== pathOf(wal(5))) return file;
        const size = () => Promise.reject(systemError("EIO"));
        return new Proxy(file, {
          get(target, key) {
            if (key === "size") return size;
            const value = Reflect.get(target, key);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      };
    },
  });
  const { segments, quarantine, verdict } = await inspectState(fs, DIRECTORY, journalName);
  assertEquals([segments.at(-1)!.size, segments.at(-1)!.sequenceLast, verdict], [0, 6, "sound"]);
  assertEquals(quarantine, [{ name: "lost", size: 0 }]);
});

test("an inspection fails when the system refuses a size for a passing reason", async () => {
  const disk = await makeState();
  disk.plantDirectory(FOLDER);
  disk.plant(`${FOLDER}/lost`, new Uint8Array(10));
  const fs = refusing(
    disk,
    (name, path) => name === "open" && path.endsWith("lost") ? "EMFILE" : null,
  );
  const error = await assertRejects(() => inspectState(fs, DIRECTORY, journalName), IoError);
  assertEquals(error.systemCode, "EMFILE");
});
