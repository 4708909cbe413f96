/**
 * State directories as a program left them, to be damaged byte by byte.
 *
 * @module
 */

import { EXTREMES } from "../testing/disk/power_cut.ts";
import { MinistateError, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { Random } from "../testing/disk/random.ts";
import { collector, DIRECTORY, type Manager, NAME, World } from "./world.ts";
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
  /** Where its last batch begins, if nothing after it proves it; otherwise where the file ends. */
  provenEnd: number;
}

/** How much of the line feeds written ahead is left in place: enough to be damaged. */
const FILL_KEPT = 40;

/**
 * How a recording ends: closed, with a power cut at once, with a power cut after a seal was written, or
 * killed, opened again and closed.
 */
type End = "sealed" | "unsealed" | "idle" | "reopened";

interface Script {
  name: string;
  end: End;
  run: (world: World, manager: Manager) => Promise<unknown>;
  batches: number[];
  /** The snapshots are taken away: the segments must do. */
  withoutSnapshots?: boolean;
}

const one = (world: World, manager: Manager) => world.apply(manager);
const group = (world: World, manager: Manager) => world.applyAll(manager, 3);

async function inTurn(world: World, manager: Manager, steps: (typeof one)[]): Promise<void> {
  for (const step of steps) await step(world, manager);
}

const snapshot = (_: World, manager: Manager) => manager.createSnapshot().then(() => true);
const compact = (_: World, manager: Manager) => manager.compact().then(() => true);

const EVERY_WAY: readonly Script[] = (["sealed", "unsealed"] as const).flatMap((end) => [
  {
    name: "single mutations",
    end,
    run: (world, manager) => inTurn(world, manager, [one, one, one, one]),
    batches: [1, 2, 3, 4],
  },
  {
    name: "atomic groups",
    end,
    run: (world, manager) => inTurn(world, manager, [group, one, group]),
    batches: [1, 4, 5],
  },
  {
    name: "segments and snapshots",
    end,
    run: (world, manager) =>
      inTurn(world, manager, [one, one, snapshot, one, snapshot, one, one, one]),
    batches: [1, 2, 3, 4, 5, 6],
  },
]);

const SCRIPTS: readonly Script[] = [
  ...EVERY_WAY,
  {
    name: "single mutations",
    end: "reopened",
    run: (world, manager) => inTurn(world, manager, [one, one, one]),
    batches: [1, 2, 3],
  },
  {
    name: "one compaction",
    end: "sealed",
    run: (world, manager) => inTurn(world, manager, [one, one, compact, one, one]),
    batches: [1, 2, 3, 4],
  },
  {
    name: "single mutations",
    end: "idle",
    run: (world, manager) => inTurn(world, manager, [one, one, one]),
    batches: [1, 2, 3],
  },
  {
    name: "compactions",
    end: "unsealed",
    run: (world, manager) =>
      inTurn(world, manager, [one, compact, one, compact, one, compact, one, one]),
    batches: [1, 2, 3, 4, 5],
  },
  {
    name: "segments alone",
    end: "unsealed",
    run: (world, manager) => inTurn(world, manager, [one, snapshot, one, one, snapshot, one]),
    batches: [1, 2, 3, 4],
    withoutSnapshots: true,
  },
];

/** An idle seal is written after this long, and waited for that long at most. */
const IDLE_MS = 1;
const IDLE_MS_MAX = 2000;

/** Makes all recordings again. */
export function record(): Promise<Recording[]> {
  return Promise.all(SCRIPTS.map(recordOne));
}

async function recordOne(script: Script): Promise<Recording> {
  const { name, end, run, batches, withoutSnapshots = false } = script;
  const world = new World();
  let fs = freshDisk();
  const manager = await world.open(fs, end === "idle" ? { sealAfterIdleMs: IDLE_MS } : {});
  await run(world, manager);
  const newest = manager.journalPath;
  if (end === "sealed") await manager.close();
  if (end === "idle") await sealed(fs, newest, manager.sequence);
  if (end === "reopened") {
    fs = fs.crash();
    await reopen(fs);
  }
  // Not a crash: what proves the last batch must have been synced.
  const disk = fs.powerCut(EXTREMES.lost, new Random(1));
  for (const path of disk.paths(DIRECTORY)) {
    if (withoutSnapshots && path.includes(".snapshot.")) disk.unplant(path);
    if (path.endsWith(".wal.jsonl")) cutFill(disk, path, path === newest && isOpenEnded(end));
  }
  // Not there when the code is broken enough: the explorations will say so.
  const bytes = disk.peek(newest) ?? new Uint8Array(0);
  const written = writtenEnd(bytes);
  const text = new TextDecoder().decode(bytes);
  return {
    name: `${end} ${name}`,
    disk,
    ids: [...world.certain],
    batches,
    newest,
    provenEnd: end === "unsealed" ? text.lastIndexOf(`\n[${batches.at(-1)},`) + 1 : written,
  };
}

/** Without the model's checks, whatever the result: finding mistakes there is the job of the explorations. */
async function reopen(fs: PowerCutDisk): Promise<void> {
  try {
    await (await StateManager.open(DIRECTORY, NAME, collector, { fs })).close();
  } catch (error) {
    if (!(error instanceof MinistateError)) throw error;
  }
}

function isOpenEnded(end: End): boolean {
  return end === "unsealed" || end === "idle";
}

/** Takes line feeds written ahead away: nothing depends on them, and each byte would be damaged in turn. */
function cutFill(disk: PowerCutDisk, path: string, filled: boolean): void {
  const bytes = disk.peek(path)!;
  disk.plant(path, bytes.slice(0, writtenEnd(bytes) + (filled ? FILL_KEPT : 0)));
}

function writtenEnd(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 10) + 2;
}

/** Waits for the seal after the last mutation, and for its sync. A slow machine writes seals before that, too. */
async function sealed(fs: PowerCutDisk, path: string, sequence: number): Promise<void> {
  const begun = performance.now();
  const seal = `{"seal":${sequence},`;
  const isThere = () => new TextDecoder().decode(fs.peek(path)!).includes(seal);
  while (!isThere() && performance.now() - begun < IDLE_MS_MAX) await turn();
  await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, IDLE_MS));
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
