/**
 * What is promised about the state itself: a snapshot holds all of it or is refused, and reading one ends however large
 * the file claims to be.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { DEPTH_MAX, TORN_SIZE_MAX } from "../src/format/format.ts";
import { sparse } from "../test/support/sparse_fs.ts";
import { codeOf, fileOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, NAME, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const STATE: readonly Promised[] = [
  { name: "a snapshot drops nothing", keep: snapshotDropsNothing },
  { name: "a state holds a mutation of any depth", keep: depthsFit },
  { name: "a close can leave no tail", keep: closeLeavesNoTail },
  { name: "a file of holes is read in bounded time", keep: holesEnd },
];

class List extends Array<number> {}

/** What a state's list is turned into; JSON would keep only the items of each. */
const SPOILED: Record<string, (list: number[]) => unknown> = {
  "an item that is undefined": (list) => [...list, undefined],
  "an item that is a function": (list) => [...list, () => 1],
  "a hole": (list) => Object.assign([...list], { length: list.length + 1 }),
  "a member with a name": (list) => Object.assign([...list], { total: 1 }),
  "a class": (list) => List.from(list),
  "a symbol as key": (list) => ({ ...list, [Symbol("total")]: 1 }),
};

/** As small as possible, and more than a line of a snapshot takes. */
const COUNTS = [2, 20_000];

async function snapshotDropsNothing(tally: Tally): Promise<void> {
  for (const [what, spoil] of Object.entries(SPOILED)) {
    for (const count of COUNTS) {
      const list = Array.from({ length: count }, (_, i) => i);
      const spoiler = {
        initial: (): { list: unknown } => ({ list }),
        apply: (state: { list: unknown }, mutation: string) => {
          state.list = mutation === "spoil" ? spoil(list) : list;
        },
      };
      const fs = freshDisk();
      const open = (disk: typeof fs) =>
        StateManager.open(DIRECTORY, NAME, spoiler, { fs: disk, compaction: "manual" });
      const manager = await open(fs);
      await manager.apply("spoil");
      const code = await codeOf(() => manager.createSnapshot());
      assertEquals(code, "INVALID_STATE", `${what}, beside ${count} items`);
      await manager.apply("mend");
      await manager.createSnapshot();
      await manager.close();
      const again = await open(fs.crash());
      assertEquals(JSON.stringify(again.state), JSON.stringify({ list }));
      await again.close();
      tally.state("snapshot", "refused");
    }
  }
}

async function depthsFit(tally: Tally): Promise<void> {
  const fs = freshDisk();
  const keeper = {
    initial: (): { kept: unknown[] } => ({ kept: [] }),
    apply: (state: { kept: unknown[] }, mutation: unknown) => void state.kept.push([[mutation]]),
  };
  const open = (disk: typeof fs) => StateManager.open(DIRECTORY, NAME, keeper, { fs: disk });
  const manager = await open(fs);
  let deep: unknown = 1;
  for (let depth = 0; depth < DEPTH_MAX; depth++) deep = [deep];
  await manager.apply(deep);
  await manager.createSnapshot();
  await manager.close();
  const again = await open(fs.crash());
  assertEquals(again.recovery.replayed, 0);
  assertEquals(JSON.stringify(again.state), JSON.stringify({ kept: [[[deep]]] }));
  await again.close();
  tally.state("snapshot", "written");
}

/** As often as a board is switched off, and at most as many snapshots as are kept. */
const CLOSES = 5;

async function closeLeavesNoTail(tally: Tally): Promise<void> {
  let fs = freshDisk();
  const world = new World();
  for (let i = 0; i < CLOSES; i++) {
    const manager = await world.open(fs, { compaction: "automatic" });
    const waiting = world.apply(manager);
    await manager.close({ snapshot: true });
    await waiting;
    fs = fs.crash();
    const again = await world.open(fs, { readOnly: true });
    assertEquals(again.recovery.replayed, 0, "a tail is left");
    await again.close();
    const snapshots = fs.paths(DIRECTORY).filter((path) => path.includes(".snapshot."));
    assert(snapshots.length <= 2, "snapshots pile up");
    tally.state("close", "no tail");
  }
}

const HUGE = 2 ** 32;

async function holesEnd(tally: Tally): Promise<void> {
  const list = {
    initial: (): unknown[] => [],
    apply: (state: unknown[], value: unknown) => state.push(value),
  };
  for (const kind of ["snapshot", "wal"]) {
    const disk = freshDisk();
    const manager = await StateManager.open(DIRECTORY, NAME, list, { fs: disk });
    await manager.apply(1);
    if (kind === "snapshot") await manager.createSnapshot();
    await manager.close();
    const path = fileOf(disk, `w-0000000000000001.${kind}`);
    if (kind === "snapshot") {
      const whole = disk.peek(path)!;
      disk.plant(path, whole.slice(0, whole.indexOf(10) + 1));
    }
    const fs = sparse(disk, new Map([[path, { size: HUGE, readMax: 5 * TORN_SIZE_MAX }]]));
    const code = await codeOf(async () => {
      const opened = await StateManager.open(DIRECTORY, NAME, list, { fs });
      assert(JSON.stringify(opened.state) === "[1]", "the state is not what was acknowledged");
      await opened.close();
    });
    assertEquals(code, kind === "snapshot" ? "done" : "CORRUPT");
    tally.state("holes", code);
  }
}
