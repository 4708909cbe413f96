// Tests damage that comes while a state is open, a disk that refuses reads, and snapshots of another journal.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { type DurableFs, InvalidStateError, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { freshDisk } from "../../simulation/workloads.ts";

const DIRECTORY = "/data/state";
const NAME = "pads.wal.jsonl";
const LARGE = "x".repeat(400_000);

interface Pads {
  pads: string[];
  bad?: number;
}

const pads = {
  initial: (): Pads => ({ pads: [] }),
  apply(state: Pads, mutation: string) {
    if (mutation === "bad") state.bad = NaN;
    else state.pads.push(mutation);
  },
};

function open(fs: DurableFs, options: { onCorruption?: "quarantine" } = {}) {
  return StateManager.open(DIRECTORY, NAME, pads, { fs, compaction: "manual", ...options });
}

/** Flips a bit of the first file whose name has `part` in it. */
function flip(fs: PowerCutDisk, part: string, place: (size: number) => number): void {
  const path = fs.paths(DIRECTORY).find((path) => path.includes(part))!;
  const bytes = fs.peek(path)!;
  bytes[place(bytes.length)]! ^= 1;
  fs.plant(path, bytes);
}

/** The file system, with reads refused (EIO) where `refused` says so. */
function refusing(fs: PowerCutDisk, refused: (path: string, offset: number) => boolean): DurableFs {
  const check = (path: string, offset: number) => {
    if (refused(path, offset)) throw Object.assign(new Error("EIO: refused"), { code: "EIO" });
  };
  return {
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    list: (path) => fs.list(path),
    makeDirectory: (path) => fs.makeDirectory(path),
    syncDirectory: (path) => fs.syncDirectory(path),
    lock: (path, directory) => fs.lock(path, directory),
    lockDirectory: (path) => fs.lockDirectory(path),
    identity: (path) => fs.identity(path),
    resolve: (path) => fs.resolve(path),
    crc32: (bytes, seed) => fs.crc32(bytes, seed),
    now: () => fs.now(),
    async open(path, mode) {
      const file = await fs.open(path, mode);
      return {
        read(buffer, offset) {
          check(path, offset);
          return file.read(buffer, offset);
        },
        write: (buffer, offset) => file.write(buffer, offset),
        syncData: () => file.syncData(),
        syncAll: () => file.syncAll(),
        truncate: (size) => file.truncate(size),
        size: () => file.size(),
        identity: () => file.identity(),
        close: () => file.close(),
      };
    },
  };
}

test("createSnapshot() of a large state that is not JSON rejects, and the manager keeps working, when the copy on disk is damaged", async () => {
  const fs = freshDisk();
  const manager = await open(fs);
  for (const mutation of [LARGE, LARGE, LARGE, "bad"]) await manager.apply(mutation);
  flip(fs, ".wal.", () => 500_000);
  await assertRejects(() => manager.createSnapshot(), InvalidStateError);
  assertEquals((await manager.apply("more")).sequence, 5);
  await manager.close();
});

for (const pad of ["small", LARGE]) {
  test(`compact() saves the state from memory when the journal can't be read and a pad has ${pad.length} characters`, async () => {
    const fs = freshDisk();
    let broken = false;
    const disk = refusing(fs, (path, offset) => broken && path.includes(".wal.") && offset > 0);
    const manager = await open(disk);
    for (let i = 0; i < 4; i++) await manager.apply(pad);
    broken = true;
    assertEquals((await manager.compact()).snapshot.sequence, 4);
    await manager.close();
    broken = false;
    await using again = await open(fs);
    assertEquals(again.snapshot(), { pads: Array(4).fill(pad) });
  });

  test(`compact() saves the state from memory when all snapshots are rotten and a pad has ${pad.length} characters`, async () => {
    const fs = freshDisk();
    const manager = await open(fs);
    for (let i = 0; i < 4; i++) {
      await manager.apply(pad);
      await manager.compact();
    }
    for (const sequence of ["3.snapshot", "4.snapshot"]) flip(fs, sequence, (size) => size >> 1);
    await manager.apply("last");
    assertEquals((await manager.compact()).snapshot.sequence, 5);
    await manager.close();
    await using again = await open(fs);
    assertEquals(again.snapshot(), { pads: [...Array(4).fill(pad), "last"] });
  });
}

test("open() reads a snapshot again that the disk refused once, before it gives up anything", async () => {
  const fs = freshDisk();
  const manager = await open(fs);
  for (let i = 1; i <= 15; i++) {
    await manager.apply(`${i}`);
    if (i % 5 === 0) await manager.compact();
  }
  await manager.apply("16");
  await manager.close();
  flip(fs, "11.wal.", (size) => size - 40);
  let refusals = 0;
  const disk = refusing(fs, (path) => path.includes("15.snapshot") && refusals++ === 1);
  await using again = await open(disk, { onCorruption: "quarantine" });
  assert(refusals > 1);
  assertEquals(again.sequence, 16);
  assertEquals(again.recovery.lost, null);
});

test("compact() never takes another journal's snapshots for its own", async () => {
  const other = freshDisk();
  {
    await using manager = await open(other);
    for (let i = 1; i <= 40; i++) {
      await manager.apply(`other ${i}`);
      if (i % 10 === 0) await manager.compact();
    }
  }
  const fs = freshDisk();
  const manager = await open(fs);
  for (let i = 1; i <= 5; i++) await manager.apply(`mine ${i}`);
  await manager.compact();
  for (const path of other.paths(DIRECTORY)) {
    if (path.includes(".snapshot.")) fs.plant(path, other.peek(path)!);
  }
  await manager.apply("mine 6");
  await manager.compact();
  await manager.close();
  await using again = await open(fs);
  assertEquals(again.snapshot(), { pads: [1, 2, 3, 4, 5, 6].map((i) => `mine ${i}`) });
  assertEquals(again.recovery.snapshotsSkipped.length, 2);
});

test("open() works on a full disk after an upgrade, and mutations wait for space", async () => {
  const fs = freshDisk();
  {
    await using manager = await open(fs);
    await manager.apply("old");
  }
  const newer = { ...pads, version: 2, migrate: { mutation: (m: unknown) => `${m}, migrated` } };
  fs.spaceLeft = 0;
  const manager = await StateManager.open(DIRECTORY, NAME, newer, { fs, compaction: "manual" });
  assertEquals(manager.snapshot(), { pads: ["old, migrated"] });
  const error = await manager.apply("new").catch((error) => error);
  assertEquals(error.code, "DISK_FULL");
  fs.spaceLeft = Infinity;
  assertEquals((await manager.apply("new")).sequence, 2);
  await manager.close();
  await using again = await StateManager.open(DIRECTORY, NAME, newer, { fs });
  assertEquals(again.snapshot(), { pads: ["old, migrated", "new"] });
});
