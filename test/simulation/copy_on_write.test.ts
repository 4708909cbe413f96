// Tests full file systems on which overwriting takes space (btrfs, XFS after a reflinked copy).

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { ANY_POWER_CUT, EXTREMES } from "../../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { recovers } from "../../simulation/oracle.ts";
import { UNCOUNTED } from "../../simulation/tally.ts";
import { DIRECTORY, World } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { Random } from "../support/random.ts";

function copying(disk: PowerCutDisk = freshDisk(), spaceLeft = Infinity): PowerCutDisk {
  disk.copyOnWrite = true;
  disk.spaceLeft = spaceLeft;
  return disk;
}

function checking(random: Random) {
  return { random, tally: UNCOUNTED, operation: "write" };
}

test("apply() rejects with DISK_FULL where overwriting takes space, and works again, also after any power cut", async () => {
  let full = 0;
  for (let space = 0; space < 12_000; space += 397) {
    const world = new World();
    const fs = copying();
    const manager = await world.open(fs);
    await world.apply(manager, 500);
    fs.spaceLeft = space;
    for (let i = 0; i < 4; i++) await world.apply(manager, 3000);
    full += world.refusals.length;
    assert(world.refusals.every((code) => code === "DISK_FULL"), `${world.refusals}`);
    const random = new Random(space);
    for (const rules of [EXTREMES.lost, ANY_POWER_CUT, ANY_POWER_CUT]) {
      await recovers(world.fork(), fs.image().powerCut(rules, random), checking(random));
    }
    fs.spaceLeft = Infinity;
    assert(await world.apply(manager), `with ${space} bytes: ${world.refusals}`);
    for (const rules of [EXTREMES.lost, ANY_POWER_CUT]) {
      await recovers(world.fork(), fs.image().powerCut(rules, random), checking(random));
    }
    await manager.close();
    assertEquals(world.problem, null);
  }
  assert(full > 20, "the disk was hardly ever full");
});

test("open() comes up after a crash on a full disk where overwriting takes space, and continues once there is some", async () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed);
    const world = new World();
    const fs = copying();
    const manager = await world.open(fs);
    for (let i = 0; i < 3; i++) await world.apply(manager, 700);
    // Every second time with a torn tail.
    fs.cutAt = seed % 2 === 0 ? null : fs.calls + 1;
    if (fs.cutAt !== null) await world.apply(manager, 3000).catch(() => {});
    const found = seed % 2 === 0 ? fs.crash() : fs.powerCut(ANY_POWER_CUT, random);
    const space = seed % 3 === 0 ? 0 : random.below(5000);
    const full = copying(found, space);
    const again = await world.open(full);
    const answers = [await world.apply(again, 100), await world.apply(again, 3000)];
    assert(world.refusals.every((code) => code === "DISK_FULL"), `${world.refusals}`);
    if (space === 0) assertEquals(answers, [false, false]);
    // Once more from what that leaves: nothing piles up.
    if (seed % 4 === 0) await again.close();
    const third = copying(seed % 5 === 0 ? full.powerCut(ANY_POWER_CUT, random) : full.crash(), 0);
    const last = await world.open(third);
    third.spaceLeft = Infinity;
    assert(await world.apply(last), `seed ${seed}: ${world.refusals}`);
    await recovers(world, third.powerCut(EXTREMES.lost, random), checking(random));
    assertEquals(world.problem, null);
  }
});

test("compact() makes room in another way where releasing the space filled ahead takes space", async () => {
  const world = new World();
  const fs = copying();
  const manager = await world.open(fs, { segmentSizeMax: 64 * 1024 });
  for (let i = 0; i < 3; i++) {
    for (let k = 0; k < 3; k++) await world.apply(manager, 30_000);
    await manager.compact();
  }
  await world.apply(manager, 30_000);
  fs.spaceLeft = 100;
  const { deleted } = await manager.compact();
  assert(await world.apply(manager), `${world.refusals}`);
  assert(deleted.length + fs.log.filter((line) => line.startsWith("remove")).length > 0);
  assertEquals(fs.paths(DIRECTORY).filter((path) => path.includes(".snapshot.")).length, 2);
  await manager.close();
});

test("a batch accepted except for its last byte is never both refused and present", async () => {
  for (let missing = 1; missing <= 3; missing++) {
    const world = new World();
    const fs = copying();
    const manager = await world.open(fs);
    await world.apply(manager);
    const before = fs.peek(manager.journalPath)!;
    // A batch of the same size shows how many bytes the next one needs.
    await world.apply(manager);
    const after = fs.peek(manager.journalPath)!;
    const size = after.findLastIndex((byte) => byte !== 10) -
      before.findLastIndex((byte) => byte !== 10);
    fs.spaceLeft = size - missing;
    assertEquals(await world.apply(manager), false);
    assertEquals(world.refusals, [missing === 1 ? "POISONED" : "DISK_FULL"]);
    await recovers(world, fs.crash(), checking(new Random(missing)));
    assertEquals(world.problem, null);
  }
});
