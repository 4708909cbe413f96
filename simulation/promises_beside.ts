/**
 * What is promised to those who read beside a writer: nothing is shown that could still be lost, followers learn of
 * nothing before the state has it, backups hold only the journal's own files.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { ANY_POWER_CUT } from "../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../testing/disk/random.ts";
import { BACKUP, reader } from "./inspections.ts";
import type { Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { collector, DIRECTORY, type Manager, NAME, within, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const BESIDE: readonly Promised[] = [
  { name: "a reader sees only what is durable", keep: readerIsShownTheDurable },
  { name: "followers end at once, and never see what isn't durable", keep: followersEnd },
  { name: "a backup holds the journal's own files", keep: backupIsPure },
];

/** The most turns of a synchronous disk's queue until a batch is written but not synced. */
const TURNS_MAX = 60;

/** Power cuts that are tried after each look. */
const CUTS = 6;

type Look = (fs: PowerCutDisk) => Promise<number>;

const readOnly = true;
const LOOKS: Record<string, Look> = {
  state: async (fs) => {
    const manager: Manager = await StateManager.open(DIRECTORY, NAME, collector, { fs, readOnly });
    assertEquals(manager.state.ids.length, manager.sequence, "a reader's state");
    return manager.sequence;
  },
  journal: async (fs) => (await Journal.open(DIRECTORY, NAME, { fs, readOnly })).sequence,
  followed: async (fs) => {
    const manager: Manager = await StateManager.open(DIRECTORY, NAME, collector, { fs, readOnly });
    let last = 0;
    const changes = manager.changes({ from: 1, follow: true });
    while (last < manager.sequence) last = (await within(changes.next())).value!.sequence;
    await changes.return();
    return last;
  },
};

/** Whenever a reader looks, and whenever the power goes after that: what it was shown is there. */
async function readerIsShownTheDurable(tally: Tally): Promise<void> {
  for (const look of Object.values(LOOKS)) {
    let wasUnderWay = true;
    for (let call = 1; wasUnderWay; call++) {
      const world = new World();
      const fs = freshDisk();
      const manager = await world.open(fs);
      await world.apply(manager);
      // The writer stops at this call: a sync is not made, anything else is.
      fs.cutAt = fs.calls + call;
      await world.apply(manager).catch((error) => {
        if (!isPowerCut(error)) throw error;
      });
      wasUnderWay = fs.dead;
      fs.cutAt = null;
      // As another process finds it at this moment.
      const disk = fs.image();
      const shown = await look(disk);
      assert(shown >= 1, "a reader is not shown what was acknowledged");
      for (let seed = 1; seed <= CUTS; seed++) {
        const after = disk.image().powerCut(ANY_POWER_CUT, new Random(seed));
        const journal = await Journal.open(DIRECTORY, NAME, { fs: after });
        assert(journal.sequence >= shown, `${shown} was shown, ${journal.sequence} is there`);
      }
      if (!fs.dead) await manager.close();
      tally.state("open", "shown what is durable");
    }
  }
}

async function followersEnd(tally: Tally): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    const world = new World();
    const manager = await world.open(freshDisk());
    await world.apply(manager);
    const early = manager.changes();
    const applied = world.apply(manager);
    const check = async (next: ReturnType<typeof early.next>) => {
      const { sequence } = (await within(next)).value!;
      assertEquals([sequence, manager.sequence], [2, 2], "a follower is ahead of the state");
    };
    const checked = check(early.next());
    for (let turn = 0; turn < turns; turn++) await undefined;
    const late = manager.changes({ from: 2 });
    await Promise.all([checked, check(late.next()), applied]);
    const waiting = [early.next(), late.next()];
    await within(early.return());
    const closing = manager.close();
    for (const { done } of await within(Promise.all(waiting))) assert(done, "it did not end");
    await closing;
    tally.state("changes", "ended");
  }
}

async function backupIsPure(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  for (let i = 0; i < 3; i++) await world.apply(manager);
  await manager.createSnapshot();
  await world.apply(manager);
  const store = await SnapshotStore.open("/data/other", NAME, { fs });
  await store.create(2, { ids: [-1, -2] });
  await store.close();
  const stray = fs.paths("/data/other").find((path) => path.includes(".snapshot."))!;
  const name = stray.slice(stray.lastIndexOf("/") + 1);
  fs.plant(`${DIRECTORY}/${name}`, fs.peek(stray)!);
  await manager.backup(BACKUP);
  assert(!fs.paths(BACKUP).includes(`${BACKUP}/${name}`), "another journal's snapshot in a backup");
  const copy = await StateManager.open(BACKUP, NAME, reader, { fs: fs.image(), readOnly });
  assertEquals([...copy.state.ids], world.certain, "the backup");
  await manager.close();
  tally.state("backup", "pure");
}
