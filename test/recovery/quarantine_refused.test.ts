// Tests what open() refuses or reports when damaged files can't be moved to where they do no harm.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { appendFile, mkdir, readdir, symlink } from "node:fs/promises";
import { test } from "node:test";
import { IoError } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { openDamaged } from "../../simulation/damage_oracle.ts";
import { DIRECTORY, World } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { journalName } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** A directory with mutations 1 to 3, and a snapshot of each of `sequences`. */
async function withSnapshots(sequences: number[]): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const world = new World();
  const manager = await world.open(fs);
  for (let i = 1; i <= 3; i++) {
    await world.apply(manager);
    if (sequences.includes(i)) await manager.createSnapshot();
  }
  await manager.close();
  return fs;
}

function pathOf(fs: PowerCutDisk, part: string): string {
  return fs.paths(DIRECTORY).find((path) => path.includes(part))!;
}

/** Damages a file's last bytes, and leaves its first line as it is. */
function rot(fs: PowerCutDisk, path: string): void {
  const bytes = fs.peek(path)!;
  bytes[bytes.length - 4]! ^= 1;
  fs.plant(path, bytes);
}

/** The disk, on which snapshots can't be moved, for a reason that is not their own. */
function immovable(fs: PowerCutDisk): PowerCutDisk {
  return new Proxy(fs, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "rename") return typeof value === "function" ? value.bind(target) : value;
      return (from: string, to: string) =>
        from.includes(".snapshot.")
          ? Promise.reject(Object.assign(new Error("EACCES: rename"), { code: "EACCES" }))
          : target.rename(from, to);
    },
  });
}

test("open() refuses when a rotten snapshot above the recovered sequence can't be moved aside", async () => {
  const fs = await withSnapshots([3]);
  rot(fs, pathOf(fs, "3.snapshot"));
  rot(fs, pathOf(fs, "1.wal"));
  const path = pathOf(fs, "1.wal");
  const text = new TextDecoder().decode(fs.peek(path)!);
  fs.plant(path, new TextEncoder().encode(text.replace('[2,{"id":2}', '[2,{"id":7}')));
  const options = { onCorruption: "quarantine" } as const;
  const error = await assertRejects(() => openDamaged(immovable(fs.image()), options), IoError);
  assertEquals(error.systemCode, "EACCES");
  const manager = await openDamaged(fs, options);
  assertEquals(manager.sequence, 1);
  assert(manager.recovery.snapshotsSkipped[0]!.path.includes("quarantine"));
  await manager.close();
});

test("open() continues when a rotten snapshot up to the recovered sequence can't be moved aside", async () => {
  const fs = await withSnapshots([3]);
  const path = pathOf(fs, "3.snapshot");
  rot(fs, path);
  const manager = await openDamaged(immovable(fs));
  assertEquals(manager.sequence, 3);
  assertEquals(manager.recovery.snapshotsSkipped.map((skipped) => skipped.path), [path]);
  await manager.close();
});

test("open() takes the lost sequences from a rotten snapshot's header when its name says more", async () => {
  const fs = await withSnapshots([3]);
  const path = pathOf(fs, "3.snapshot");
  rot(fs, path);
  const renamed = path.replace("0000003", "0900003");
  fs.plant(renamed, fs.peek(path)!);
  for (const gone of fs.paths(DIRECTORY)) if (gone.includes(".wal.")) fs.unplant(gone);
  fs.unplant(path);
  const manager = await openDamaged(fs, { onCorruption: "quarantine" });
  const { sequenceFirst, sequenceLast } = manager.recovery.lost!;
  assertEquals({ sequenceFirst, sequenceLast }, { sequenceFirst: 1, sequenceLast: 3 });
  await manager.close();
});

test("open() refuses when the quarantine's name is a link, and copies nothing through it", async () => {
  await using directory = await temporaryDirectory();
  const outside = directory.join("outside");
  const inside = directory.join("inside");
  await mkdir(outside);
  const journal = await Journal.open(inside, journalName);
  await journal.append("kept");
  const { journalPath: path } = journal;
  await journal.close();
  await appendFile(path, '[2,"torn');
  await symlink(outside, `${inside}/quarantine`);
  const error = await assertRejects(() => Journal.open(inside, journalName), IoError);
  assertEquals(error.systemCode, "ELOOP");
  assertEquals(await readdir(outside), []);
});

test("open() takes the lost sequences from the segments' names when nothing else can be read", async () => {
  const fs = await withSnapshots([1, 2]);
  for (const path of fs.paths(DIRECTORY)) {
    if (path.includes(".snapshot.")) fs.unplant(path);
    else if (path.includes(".wal.")) fs.plant(path, fs.peek(path)!.fill(0x78, 4, 40));
  }
  const manager = await openDamaged(fs, { onCorruption: "quarantine" });
  const { sequenceFirst, sequenceLast } = manager.recovery.lost!;
  assertEquals({ sequenceFirst, sequenceLast }, { sequenceFirst: 1, sequenceLast: 2 });
  await manager.close();
});
