/**
 * What is promised about a full disk, also where overwriting takes space; and about a
 * close that the disk refuses.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MinistateError, StateManager } from "@ministate/ministate";
import type { OpenMode } from "@ministate/ministate";
import { halfOf } from "../testing/disk/bytes.ts";
import { failure } from "../testing/disk/disk_calls.ts";
import { EXTREMES } from "../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../testing/disk/random.ts";
import { openingOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, NAME, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const FULL: readonly Promised[] = [
  { name: "a disk is full where overwriting takes space", keep: fullWhereCopied },
  { name: "a failed sync is repaired where overwriting takes space", keep: writtenAgainLater },
  { name: "a closed directory is unlocked, even when closing failed", keep: closingFreesTheLock },
  { name: "a growing state on a small disk is compacted again after a failure", keep: neverStuck },
];

/** The disk; after `fill`, a write takes half of its bytes, and the next one none. */
export function filling(fs: PowerCutDisk): { disk: PowerCutDisk; fill: () => void } {
  const answers: ("half" | "none")[] = [];
  const open = async (path: string, mode: OpenMode) => {
    const file = await fs.open(path, mode);
    const write = (bytes: Uint8Array, offset: number) => {
      const answer = answers.shift();
      if (answer === "none") throw failure("ENOSPC", "write", path);
      return file.write(answer === "half" ? halfOf(bytes) : bytes, offset);
    };
    return { ...file, write };
  };
  const disk = new Proxy(fs, {
    get(target, key) {
      if (key === "open") return open;
      const value = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { disk, fill: () => answers.push("half", "none") };
}

async function fullWhereCopied(tally: Tally): Promise<void> {
  for (const space of [0, 700, 5000]) {
    const world = new World();
    const fs = freshDisk();
    fs.copyOnWrite = true;
    const manager = await world.open(fs);
    for (let i = 0; i < 3; i++) await world.apply(manager, 500);
    // A part of it is taken, and can't be taken back for now.
    fs.spaceLeft = 700;
    assert(!await world.apply(manager, 3000), "more was taken than there is space for");
    fs.spaceLeft = Infinity;
    assert(await world.apply(manager, 500), `no way on once there is space: ${world.refusals}`);
    // The power goes, and leaves half a line.
    fs.cutAt = fs.calls + 1;
    await world.apply(manager, 3000).catch(() => {});
    const disk = fs.powerCut(EXTREMES.torn, new Random(space));
    disk.copyOnWrite = true;
    disk.spaceLeft = space;
    const again = await world.open(disk);
    assert(again.recovery.torn !== null, "there is nothing to be repaired");
    for (let i = 0; i < 3; i++) await world.apply(again, 6000);
    assertEquals(world.refusals, Array(4).fill("DISK_FULL"));
    disk.spaceLeft = Infinity;
    assert(await world.apply(again), `no way on once there is space: ${world.refusals}`);
    const last = await world.open(disk.powerCut(EXTREMES.lost, new Random(space)));
    assertEquals(last.recovery.torn, null, "what was to be repaired is there still");
    await last.close();
    tally.state("open", "on a full disk");
  }
}

/** What a failed sync left only in memory is read by the next process, which at first has no space to write it again. */
async function writtenAgainLater(tally: Tally): Promise<void> {
  for (const padSize of [100, 700, 2000, 3000]) {
    const world = new World();
    const fs = freshDisk();
    const manager = await world.open(fs);
    for (let i = 0; i < 3; i++) await world.apply(manager, 500);
    fs.fault = { at: fs.calls + 2, how: "EIO" };
    assert(!await world.apply(manager, padSize), "acknowledged by a sync that failed");
    assert(fs.log[fs.fault.at - 1]!.startsWith("syncData"), "another call failed");
    const disk = fs.crash();
    disk.copyOnWrite = true;
    disk.spaceLeft = 0;
    const again = await world.open(disk);
    assertEquals(again.sequence, 4, "the next process reads what is in memory");
    assert(!await world.apply(again), "more was taken than there is space for");
    disk.spaceLeft = Infinity;
    assert(await world.apply(again), `no way on once there is space: ${world.refusals}`);
    const last = await world.open(disk.powerCut(EXTREMES.lost, new Random(padSize)));
    assertEquals(last.recovery.torn, null);
    await last.close();
    tally.state("open", "on a full disk");
  }
}

async function closingFreesTheLock(tally: Tally): Promise<void> {
  for (let after = 1, reached = true; reached; after++) {
    const world = new World();
    const fs = freshDisk();
    const manager = await world.open(fs);
    await world.apply(manager);
    fs.fault = { at: fs.calls + after, how: "EIO" };
    await manager.close().catch((error) => {
      if (!(error instanceof MinistateError)) throw error;
    });
    const call = fs.log[fs.fault.at - 1] ?? "";
    reached = fs.faults > 0;
    fs.fault = null;
    // Giving the lock back may itself be what failed: that is for the operating system to mend.
    if (!call.startsWith("release")) assertEquals(await openingOf(fs), "opened", call);
    tally.state("close", "free");
  }
}

/** Large from the beginning, and growing with every mutation. */
const hoarding = {
  initial: () => ({ ballast: "x".repeat(400_000), count: 0 }),
  apply: (state: { ballast: string; count: number }, _pad: string) => {
    state.ballast += "x".repeat(100);
    return ++state.count;
  },
};

/** A compaction fails once, for a passing reason; the space that is left then is not used up before the next. */
async function neverStuck(tally: Tally): Promise<void> {
  const fs = freshDisk();
  let armed = false;
  let refused = 0;
  const disk = new Proxy(fs, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "open") return typeof value === "function" ? value.bind(target) : value;
      return async (path: string, mode: OpenMode) => {
        if (armed && mode === "create" && path.includes(".snapshot.")) {
          armed = false;
          refused++;
          throw failure("EIO", "create", path);
        }
        return await target.open(path, mode);
      };
    },
  });
  const failures: unknown[] = [];
  const manager = await StateManager.open(DIRECTORY, NAME, hoarding, {
    fs: disk,
    compactionSize: 64 * 1024,
    segmentSizeMax: 64 * 1024,
    onCompactionError: (error) => failures.push(error),
  });
  const pad = "y".repeat(30_000);
  await manager.compact();
  for (let i = 0; i < 4; i++) await manager.apply(pad);
  await manager.compact();
  // Enough for every step, unless one is made to wait for a whole snapshot's size of journal more.
  fs.spaceLeft = 600_000;
  armed = true;
  for (let i = 0; i < 21; i++) {
    await manager.apply(pad);
    // It waits for a running compaction, whose speed must not matter.
    await manager.stateAt(manager.sequence);
  }
  assertEquals([refused, failures.length], [1, 1]);
  await manager.close();
  tally.state("compact", "again");
}
