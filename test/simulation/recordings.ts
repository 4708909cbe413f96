/**
 * State directories as a program left them, to be damaged byte by byte.
 *
 * @module
 */

import type { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import { DIRECTORY, type Manager, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** One directory, and what may be lost of it without proof. */
export interface Recording {
  name: string;
  disk: PowerCutDisk;
  /** The mutations, in order: all of them acknowledged. */
  ids: number[];
  /** The sequence that each batch begins with. */
  batches: number[];
  /** The newest segment. */
  newest: string;
  /** Where its last batch begins, if nothing behind it vouches for it; else where the file ends. */
  provenEnd: number;
}

/** How much of the line feeds written ahead is left in place: enough to be damaged. */
const FILL_KEPT = 40;

interface Script {
  name: string;
  sealed: boolean;
  run: (world: World, manager: Manager) => Promise<unknown>;
  batches: number[];
}

const one = (world: World, manager: Manager) => world.apply(manager);
const group = (world: World, manager: Manager) => world.applyAll(manager, 3);

async function inTurn(world: World, manager: Manager, steps: (typeof one)[]): Promise<void> {
  for (const step of steps) await step(world, manager);
}

const snapshot = (_: World, manager: Manager) => manager.createSnapshot().then(() => true);

const SCRIPTS: readonly Script[] = [true, false].flatMap((sealed) => [
  {
    name: "single mutations",
    sealed,
    run: (world, manager) => inTurn(world, manager, [one, one, one, one]),
    batches: [1, 2, 3, 4],
  },
  {
    name: "atomic groups",
    sealed,
    run: (world, manager) => inTurn(world, manager, [group, one, group]),
    batches: [1, 4, 5],
  },
  {
    name: "segments and snapshots",
    sealed,
    run: (world, manager) =>
      inTurn(world, manager, [one, one, snapshot, one, snapshot, one, one, one]),
    batches: [1, 2, 3, 4, 5, 6],
  },
]);

/** Writes all recordings anew. */
export function record(): Promise<Recording[]> {
  return Promise.all(SCRIPTS.map(recordOne));
}

async function recordOne({ name, sealed, run, batches }: Script): Promise<Recording> {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await run(world, manager);
  const newest = manager.journalPath;
  if (sealed) await manager.close();
  const disk = fs.crash();
  const bytes = disk.peek(newest)!;
  const written = bytes.findLastIndex((byte) => byte !== 10) + 2;
  if (!sealed) disk.plant(newest, bytes.slice(0, written + FILL_KEPT));
  const text = new TextDecoder().decode(bytes);
  return {
    name: `${sealed ? "sealed" : "unsealed"} ${name}`,
    disk,
    ids: [...world.certain],
    batches,
    newest,
    provenEnd: sealed ? written : text.lastIndexOf(`\n[${batches.at(-1)},`) + 1,
  };
}

/** The journal's and snapshots' files of a recording. */
export function filesOf({ disk }: Recording): string[] {
  return disk.paths(DIRECTORY).filter((path) => path.endsWith(".jsonl"));
}

/** A copy of the disk with one file's bytes changed. */
export function damagedDisk(
  recording: Recording,
  path: string,
  damage: (bytes: Uint8Array) => Uint8Array,
): PowerCutDisk {
  const disk = recording.disk.image();
  disk.plant(path, damage(disk.peek(path)!));
  return disk;
}
