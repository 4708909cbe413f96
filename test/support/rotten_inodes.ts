/**
 * State directories with files that only fsck can move.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type DurableFs, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { type Bad, badDisk } from "./bad_disk.ts";
import { fileName } from "./files.ts";
import { journalName, type Ledger, ledger } from "./samples.ts";

/** Where the state is. */
export const DIRECTORY = "/data/state";
/** The names of its files. */
export const wal = (sequence: number) => fileName("wal", sequence);
export const snapshot = (sequence: number) => fileName("snapshot", sequence);
/** The path of one of them. */
export const pathOf = (name: string) => `${DIRECTORY}/${name}`;

/** The path of a file of edition 2. */
export const later = (name: string) => pathOf(name).replace(/\.(wal|snapshot)\./, ".2.$1.");

/** Opens it. */
export function open(fs: DurableFs, options: object = {}) {
  return StateManager.open<Ledger, unknown, number>(DIRECTORY, journalName, ledger, {
    fs,
    compaction: "manual",
    ...options,
  });
}

/** Sets damage aside. */
export const quarantine = { onCorruption: "quarantine" };

/** Segments from 1, 3 and 5 with two mutations each, snapshots of sequence 2 and 4, a seal. */
export async function makeState(): Promise<PowerCutDisk> {
  const fs = freshDisk();
  await using manager = await open(fs);
  for (let i = 1; i <= 6; i++) {
    await manager.apply(`${i}`);
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
  return fs;
}

/** A directory, and which of its files have a damaged inode. */
export interface Case {
  name: string;
  rotten: string[];
  /** What else was damaged, or is missing. */
  prepare?: (disk: PowerCutDisk) => void;
  kept: string;
  /** The last sequence that is known to be lost. */
  lostLast: number | null;
  /** The rotten files that must stay out of the way of later ones; without it, all. */
  superseded?: string[];
}

const withoutSnapshots = (disk: PowerCutDisk) => {
  for (const sequence of [2, 4]) disk.unplant(pathOf(snapshot(sequence)));
};

/** Damages a mutation that had been acknowledged. */
export const damage = (name: string, mutation: string) => (disk: PowerCutDisk) => {
  const text = new TextDecoder().decode(disk.peek(pathOf(name))!);
  assert(text.includes(mutation));
  disk.plant(pathOf(name), new TextEncoder().encode(text.replace(mutation, '"x"')));
};

/** Each of them. */
export const CASES: readonly Case[] = [
  { name: "the newest segment", rotten: [wal(5)], kept: "1234", lostLast: null },
  {
    name: "a segment in the middle",
    rotten: [wal(3)],
    prepare: withoutSnapshots,
    kept: "12",
    lostLast: 6,
  },
  {
    name: "the first segment, and no snapshot is there",
    rotten: [wal(1)],
    prepare: withoutSnapshots,
    kept: "",
    lostLast: 6,
  },
  {
    name: "several segments",
    rotten: [wal(3), wal(5)],
    prepare: withoutSnapshots,
    kept: "12",
    lostLast: 4,
  },
  {
    name: "a segment after a damaged one",
    rotten: [wal(5)],
    prepare: (disk) => [withoutSnapshots, damage(wal(3), '"4"')].forEach((step) => step(disk)),
    kept: "123",
    lostLast: 4,
  },
  {
    name: "a segment between a damaged one and the newest",
    rotten: [wal(3)],
    prepare: (disk) => [withoutSnapshots, damage(wal(1), '"2"')].forEach((step) => step(disk)),
    kept: "1",
    lostLast: 6,
  },
  {
    name: "a segment, and the beginning is missing",
    rotten: [wal(3)],
    prepare: (disk) => [withoutSnapshots(disk), disk.unplant(pathOf(wal(1)))],
    kept: "",
    lostLast: 6,
  },
  {
    name: "a snapshot of a later sequence than what is kept",
    rotten: [snapshot(4)],
    prepare: damage(wal(3), '"4"'),
    kept: "123",
    lostLast: 6,
  },
  {
    name: "a segment before the snapshot, when the newer ones are missing",
    rotten: [wal(3)],
    prepare: (disk) => [wal(5), snapshot(2)].forEach((name) => disk.unplant(pathOf(name))),
    kept: "1234",
    lostLast: null,
    superseded: [],
  },
];

/** What is in a state. */
export const kept = (manager: { state: { entries: readonly unknown[] } }) =>
  manager.state.entries.join("");

/** Makes the directory of a case. */
export async function make({ prepare }: Case): Promise<PowerCutDisk> {
  const disk = await makeState();
  prepare?.(disk);
  return disk;
}

/** The disk with the damaged inodes, which say `code`. */
export const rottenOf = (disk: PowerCutDisk, { rotten }: Case, code: string) =>
  badDisk(disk, ...rotten.map((name) => ({ part: `state/${name}`, code }))).fs;

/** Everything in the directory but the lock file. */
export function contents(disk: PowerCutDisk): string[] {
  return disk.paths(DIRECTORY).filter((path) => !path.endsWith(".lock"))
    .map((path) => `${path}\n${new TextDecoder("latin1").decode(disk.peek(path)!)}`);
}

/**
 * A state whose edition 2 began with its first sequence, and has deleted its beginning. The first segment of edition 1
 * holds "1" and "2", which were given up, and can't be moved away until `fsck` is called.
 */
export async function makeForgetful() {
  const disk = await makeState();
  withoutSnapshots(disk);
  const bad: Bad = { part: `state/${wal(1)}`, code: "EBADMSG" };
  const { fs } = badDisk(disk, bad);
  const manager = await open(fs, quarantine);
  for (const mutation of "abcd") {
    await manager.apply(mutation);
    await manager.compact();
  }
  assertEquals([kept(manager), disk.peek(later(wal(1)))], ["abcd", null]);
  return { disk, fs, manager, fsck: () => bad.times = 0 };
}

/** The segment that begins edition 2 of another journal of the same name. */
export async function strangeSegment(sequence: number) {
  const disk = await makeState();
  withoutSnapshots(disk);
  const fs = badDisk(disk, { part: `state/${wal(sequence)}`, code: "EBADMSG" }).fs;
  await open(fs, quarantine).then((manager) => manager.apply("x").then(() => manager.close()));
  return disk.peek(later(wal(sequence)))!;
}
