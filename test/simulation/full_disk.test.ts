// Tests a disk that fills up at any byte, or refuses for a while: nothing is lost, and the same manager continues.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { IoError, type OpenMode } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { Random } from "../support/random.ts";
import { openDamaged } from "../../simulation/damage_oracle.ts";
import { EXTREMES } from "../../testing/disk/power_cut.ts";
import { recovers } from "../../simulation/oracle.ts";
import { UNCOUNTED } from "../../simulation/tally.ts";
import { DIRECTORY, World } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";

/** Free space is tried in steps of this many bytes, so that writes stop within lines, sectors and fills. */
const STEP = 3571;

function checking() {
  return { random: new Random(1), tally: UNCOUNTED, operation: "write" };
}

test("apply() rejects with DISK_FULL and works again when the disk fills up at any place", async () => {
  let full = 0;
  for (let space = 0; space < 140_000; space += STEP) {
    const world = new World();
    const fs = freshDisk();
    const manager = await world.open(fs, { segmentSizeMax: 64 * 1024 });
    await world.apply(manager, 40_000);
    fs.spaceLeft = space;
    for (let i = 0; i < 4; i++) await world.apply(manager, 30_000);
    full += world.refusals.length;
    assert(world.refusals.every((code) => code === "DISK_FULL"), `${world.refusals}`);
    fs.spaceLeft = Infinity;
    assert(await world.apply(manager), `with ${space} bytes: ${world.refusals}`);
    await recovers(world, fs.powerCut(EXTREMES.lost, new Random(space)), checking());
    assertEquals(world.problem, null);
  }
  assert(full > 20, "the disk was hardly ever full");
});

test("apply() works after an idle seal found the disk full", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs, { sealAfterIdleMs: 5 });
  await world.apply(manager);
  fs.fault = { at: fs.calls + 1, how: "ENOSPC" };
  const before = fs.faults;
  while (fs.faults === before) await new Promise((resolve) => setTimeout(resolve, 2));
  fs.fault = null;
  assert(await world.apply(manager), `${world.refusals}`);
  await manager.close();
  await recovers(world, fs.crash(), checking());
});

/** The disk, on which snapshots can't be opened for now, but for one. */
function refusing(fs: PowerCutDisk, code: string, but = ""): PowerCutDisk {
  return new Proxy(fs, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "open") return typeof value === "function" ? value.bind(target) : value;
      return (path: string, mode: OpenMode) =>
        mode === "read" && path.includes(".snapshot.") && path !== but
          ? Promise.reject(Object.assign(new Error(`${code}: open`), { code }))
          : target.open(path, mode);
    },
  });
}

for (const code of ["EMFILE", "EIO"]) {
  test(`open() declares nothing lost when every snapshot is refused with ${code} for a while`, async () => {
    const fs = freshDisk();
    const world = new World();
    const manager = await world.open(fs);
    for (let i = 0; i < 3; i++) {
      await world.apply(manager);
      await manager.compact();
    }
    await manager.close();
    const before = fs.paths(DIRECTORY);
    for (const onCorruption of ["fail", "quarantine"] as const) {
      const opening = () => openDamaged(refusing(fs, code), { onCorruption });
      const error = await assertRejects(opening, IoError);
      assertEquals(error.systemCode, code);
    }
    assertEquals(fs.paths(DIRECTORY), before);
    const again = await world.open(fs);
    assertEquals(again.recovery.lost, null);
    await again.close();
  });
}

test("open() declares nothing lost when one snapshot is damaged and the other is refused for a while", async () => {
  const fs = freshDisk();
  const world = new World();
  const manager = await world.open(fs);
  for (let i = 0; i < 3; i++) {
    await world.apply(manager);
    await manager.compact();
  }
  await manager.close();
  const newest = fs.paths(DIRECTORY).filter((path) => path.includes(".snapshot.")).sort().at(-1)!;
  fs.plant(newest, fs.peek(newest)!.map((byte, i) => i === 2 ? byte ^ 1 : byte));
  const error = await assertRejects(
    () => openDamaged(refusing(fs, "EIO", newest), { onCorruption: "quarantine" }),
    IoError,
  );
  assertEquals(error.systemCode, "EIO");
  const again = await openDamaged(fs, { onCorruption: "quarantine" });
  assertEquals([again.recovery.lost, again.sequence], [null, 3]);
  await again.close();
});

test("an idle seal survives a power cut, and proves the last batch", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs, { sealAfterIdleMs: 5 });
  await world.apply(manager);
  const before = fs.calls;
  while (fs.calls === before) await new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const after = await world.open(fs.powerCut(EXTREMES.lost, new Random(1)));
  assert(after.recovery.sealed);
  await after.close();
});
