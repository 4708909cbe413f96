/**
 * The short histories that get a fault or a power cut at every call.
 *
 * @module
 */

import type { StateManagerOptions } from "@ministate/ministate";
import { EXTREMES } from "../testing/disk/power_cut.ts";
import { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../test/support/random.ts";
import {
  BACKUP,
  hoarder,
  inspectBackup,
  inspectCompacted,
  inspectDamaged,
  reader,
} from "./inspections.ts";
import { all, DIRECTORY, type Manager, type World } from "./world.ts";

export { BACKUP, reader };

/** A history to be interrupted. */
export interface Workload {
  name: string;
  /** The disk it begins on; mutations made there are certain. */
  prepare?: (world: World) => Promise<PowerCutDisk>;
  run: (world: World, fs: PowerCutDisk) => Promise<void>;
  /** How to open what it left. */
  options?: StateManagerOptions;
  /** The mutator that can read it, if not both versions can. */
  mutator?: typeof reader;
  /** Checks whatever else it left on a disk after a power cut. */
  inspect?: (disk: PowerCutDisk, finished: boolean) => Promise<void>;
}

const segmentSizeMax = 64 * 1024;

/** A disk on which the parent directory is certain to exist, as on every real one. */
export function freshDisk(): PowerCutDisk {
  const fs = new PowerCutDisk();
  fs.plantDirectory("/data");
  return fs;
}

async function grown(world: World): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const manager = await world.open(fs);
  for (let i = 0; i < 3; i++) await world.apply(manager);
  await manager.compact();
  await world.apply(manager);
  await manager.compact();
  await world.apply(manager, 700);
  await manager.close();
  return fs.powerCut(
    { writes: "kept", names: "kept", sizes: "new", grown: "zeros" },
    new Random(1),
  );
}

/** A journal that takes several reads. */
async function long(world: World): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const manager = await world.open(fs);
  await applyTimes(world, manager, 2, 45_000);
  await manager.close();
  return fs.crash();
}

/** A journal whose last batch of three sectors was torn in the middle. */
async function torn(world: World): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  const path = manager.journalPath;
  const end = fs.peek(path)!.indexOf("\n\n".charCodeAt(0), 200);
  await world.apply(manager, 1400);
  const bytes = fs.peek(path)!;
  bytes.fill(0, end + 600, end + 1100);
  const disk = fs.crash();
  disk.plant(path, bytes);
  world.certain.pop();
  return disk;
}

/** Six mutations in three segments, of which the fourth is damaged and no snapshot makes up for it. */
async function damaged(world: World): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const manager = await world.open(fs);
  for (let i = 0; i < 6; i++) {
    await world.apply(manager);
    if (i === 1 || i === 3) await manager.createSnapshot();
  }
  await manager.close();
  const disk = fs.crash();
  for (const path of disk.paths(DIRECTORY)) if (path.includes(".snapshot.")) disk.unplant(path);
  const path = disk.paths(DIRECTORY).filter((path) => path.endsWith(".wal.jsonl"))[1]!;
  const text = new TextDecoder("latin1").decode(disk.peek(path)!);
  // The "i" of "id" becomes an "h".
  disk.flipBit(path, text.indexOf("[4,") + 5, 0);
  world.certain.splice(3);
  return disk;
}

/** A mutation that comes while the one before is being synced. */
async function later(world: World, manager: Manager): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  await world.apply(manager);
}

async function applyTimes(world: World, manager: Manager, count: number, padSize = 0) {
  for (let i = 0; i < count; i++) await world.apply(manager, padSize);
}

/** All workloads. */
export const WORKLOADS: readonly Workload[] = [
  {
    name: "the first mutation ever",
    run: async (world, fs) => void await world.apply(await world.open(fs)),
  },
  {
    name: "the first mutation ever, in directories that are new too",
    // deno-lint-ignore require-await
    prepare: async () => new PowerCutDisk(),
    run: async (world, fs) => void await world.apply(await world.open(fs)),
  },
  {
    name: "sequential mutations",
    run: async (world, fs) => {
      const manager = await world.open(fs);
      await applyTimes(world, manager, 3);
      await applyTimes(world, manager, 2, 900);
      await manager.close();
    },
  },
  {
    name: "concurrent mutations",
    run: async (world, fs) => {
      const manager = await world.open(fs);
      await all(Array.from({ length: 6 }, () => world.apply(manager, 200)));
      await all(Array.from({ length: 3 }, () => world.apply(manager)));
      await manager.close();
    },
  },
  {
    name: "atomic groups",
    run: async (world, fs) => {
      const manager = await world.open(fs);
      await world.applyAll(manager, 3, 400);
      await all([world.applyAll(manager, 2, 600), world.apply(manager)]);
      await manager.close();
    },
  },
  {
    name: "rotation and growth",
    run: async (world, fs) => {
      const manager = await world.open(fs, { segmentSizeMax });
      await applyTimes(world, manager, 5, 30_000);
      await manager.close();
    },
  },
  {
    name: "snapshots",
    run: async (world, fs) => {
      const manager = await world.open(fs);
      await world.apply(manager);
      await manager.createSnapshot();
      await applyTimes(world, manager, 2);
      await all([manager.createSnapshot(), world.apply(manager)]);
      await manager.close();
    },
  },
  {
    name: "compaction",
    prepare: grown,
    run: async (world, fs) => {
      const manager = await world.open(fs);
      for (let i = 0; i < 2; i++) {
        await world.apply(manager);
        await manager.createSnapshot();
      }
      await all([world.apply(manager), manager.compact(), world.apply(manager)]);
      await world.apply(manager);
    },
    inspect: inspectCompacted,
  },
  {
    name: "closing and opening again",
    run: async (world, fs) => {
      for (let i = 0; i < 3; i++) {
        const manager = await world.open(fs);
        await world.apply(manager);
        await manager.close();
      }
    },
  },
  {
    name: "opening a long journal",
    prepare: long,
    run: async (world, fs) => {
      const manager = await world.open(fs);
      await world.apply(manager);
      await manager.close();
    },
  },
  {
    name: "a backup",
    prepare: grown,
    run: async (world, fs) => {
      const manager = await world.open(fs);
      await all([
        world.apply(manager),
        manager.backup(BACKUP),
        manager.compact(),
        world.apply(manager),
      ]);
      await manager.close();
    },
    inspect: inspectBackup,
  },
  {
    name: "a backup of several segments",
    prepare: async (world) => {
      const fs = freshDisk();
      const manager = await world.open(fs, { segmentSizeMax });
      await applyTimes(world, manager, 5, 30_000);
      await manager.close();
      return fs.powerCut(EXTREMES.kept, new Random(1));
    },
    run: async (world, fs) => {
      const manager = await world.open(fs, { segmentSizeMax });
      await manager.backup(BACKUP);
    },
    inspect: inspectBackup,
  },
  {
    name: "snapshots of a large state",
    mutator: hoarder,
    run: async (world, fs) => {
      const manager = await world.open(fs, {}, hoarder);
      await world.apply(manager);
      await all([manager.createSnapshot(), world.apply(manager)]);
    },
  },
  {
    name: "a new version of the mutator",
    mutator: reader,
    prepare: grown,
    run: async (world, fs) => {
      const manager = await world.open(fs, {}, reader);
      await world.apply(manager);
      await manager.close();
    },
  },
  {
    name: "automatic compaction",
    run: async (world, fs) => {
      const manager = await world.open(fs, { compaction: "automatic", compactionSize: 4096 });
      await applyTimes(world, manager, 4, 3000);
      await manager.close();
    },
  },
  {
    name: "a slow disk",
    run: async (world, fs) => {
      fs.syncDelayMs = 1;
      const manager = await world.open(fs);
      await all([world.apply(manager), later(world, manager), manager.createSnapshot()]);
      await manager.close();
    },
  },
  {
    name: "quarantine",
    prepare: damaged,
    options: { onCorruption: "quarantine" },
    inspect: inspectDamaged,
    run: async (world, fs) => {
      const manager = await world.open(fs, { onCorruption: "quarantine" });
      await world.apply(manager);
      await manager.close();
    },
  },
  {
    name: "repair of a torn tail",
    prepare: torn,
    run: async (world, fs) => {
      const manager = await world.open(fs);
      await applyTimes(world, manager, 2);
    },
  },
];
