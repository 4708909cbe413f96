/**
 * State directories with damage that costs acknowledged mutations: one for each way in which it is set aside.
 *
 * @module
 */

import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { fileOf, rot } from "./promised.ts";
import { DIRECTORY, type Manager, World } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** A directory of `acked` mutations, 1, 2, 3 …, of which only the first `sound` can be recovered. */
export interface Damaged {
  name: string;
  sound: number;
  acked: number;
  /** The last sequence that a report can name; `null` when the bytes that name it can no longer be verified. */
  lostLast: number | null;
  /** What is done to the manager after each mutation. */
  after: (manager: Manager, sequence: number, fs: PowerCutDisk) => Promise<unknown> | undefined;
  damage: (fs: PowerCutDisk) => void;
}

/** All of them. */
export const DAMAGED: readonly Damaged[] = [
  {
    name: "a segment with two after it",
    sound: 3,
    acked: 8,
    lostLast: 8,
    after: (manager, sequence) => sequence % 2 === 0 ? manager.createSnapshot() : undefined,
    damage: (fs) => {
      for (const path of fs.paths(DIRECTORY)) if (path.includes(".snapshot.")) fs.unplant(path);
      rot(fs, fileOf(fs, "w-0000000000000003.wal"), '[4,{"i');
    },
  },
  {
    name: "the newest segment",
    sound: 2,
    acked: 4,
    lostLast: 4,
    after: () => undefined,
    damage: (fs) => rot(fs, fileOf(fs, "w-0000000000000001.wal"), '[3,{"i'),
  },
  {
    name: "a journal that ends before its snapshot",
    sound: 4,
    acked: 4,
    lostLast: null,
    after: snapshotAtEnd,
    damage: cutShort,
  },
  provenByRotten("a journal that a rotten snapshot alone proves", '"ids":['),
  provenByRotten("a journal that a snapshot's name alone proves", '"ministate":"s'),
  {
    name: "a first line below a snapshot",
    sound: 2,
    acked: 4,
    lostLast: null,
    after: (manager, sequence, fs) => {
      if (sequence !== 2) return;
      // No room for a new segment: the snapshot falls in the middle of the old one.
      fs.fault = { at: fs.calls + 1, how: "ENOSPC" };
      return manager.createSnapshot();
    },
    damage: (fs) => rot(fs, fileOf(fs, "w-0000000000000001.wal"), '"ministate":"j'),
  },
];

function snapshotAtEnd(manager: Manager, sequence: number): Promise<unknown> | undefined {
  return sequence === 4 ? manager.createSnapshot() : undefined;
}

/** The journal ends before the third mutation, with nothing in it that says so: a header, a state, two mutations. */
function cutShort(fs: PowerCutDisk): void {
  fs.unplant(fileOf(fs, "w-0000000000000005.wal"));
  const path = fileOf(fs, "w-0000000000000001.wal");
  const lines = new TextDecoder().decode(fs.peek(path)!).trimEnd().split("\n");
  fs.plant(path, new TextEncoder().encode(lines.slice(0, 5).join("\n") + "\n"));
}

/** The snapshot is damaged where it holds `text`, and the journal ends before it. */
function provenByRotten(name: string, text: string): Damaged {
  return {
    name,
    sound: 2,
    acked: 4,
    lostLast: 4,
    after: snapshotAtEnd,
    damage: (fs) => {
      cutShort(fs);
      rot(fs, fileOf(fs, "w-0000000000000004.snap"), text);
    },
  };
}

/** Makes one. */
export async function damagedDisk({ acked, after, damage }: Damaged): Promise<PowerCutDisk> {
  const fs = freshDisk();
  const world = new World();
  const manager = await world.open(fs);
  for (let sequence = 1; sequence <= acked; sequence++) {
    await world.apply(manager);
    await after(manager, sequence, fs);
  }
  await manager.close();
  const disk = fs.crash();
  damage(disk);
  return disk;
}
