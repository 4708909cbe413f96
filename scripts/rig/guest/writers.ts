// What runs on the board at a power cut: the library at work in different ways, each forever.
//
// Every one says what it is about to send and what it considers durable, by directory.

import { StateManager, type StateManagerOptions } from "@ministate/ministate";
import { statfsSync, writeFileSync } from "node:fs";
import { BALLAST, JOURNAL } from "./checks.ts";
import { type Entry, entry, type Ledger, ledger, smallEntry } from "./model.ts";
import { say } from "./said.ts";

/** A program that writes below a directory until the power goes. */
export type Writer = (folder: string) => Promise<void>;

type Manager = StateManager<Ledger, Entry, number>;

/** Small enough that segments are changed and compactions run many times before the power goes. */
const BUSY: StateManagerOptions = { segmentSizeMax: 256 * 1024, compactionSize: 128 * 1024 };
const CALLERS = 64;

async function open(directory: string, options: StateManagerOptions = {}): Promise<Manager> {
  say("open", directory);
  const manager: Manager = await StateManager.open(directory, JOURNAL, ledger, options);
  say("found", directory, manager.sequence);
  return manager;
}

/** Applies the next mutations at the same time. */
async function applyNext(manager: Manager, count: number, make = entry): Promise<void> {
  const first = manager.sequence + 1;
  say("send", manager.stateDir, first + count - 1);
  const applied = Array.from({ length: count }, (_, i) => manager.apply(make(first + i)));
  const last = (await Promise.all(applied)).at(-1)!;
  say("ack", manager.stateDir, last.sequence);
}

async function sequential(folder: string): Promise<void> {
  const manager = await open(`${folder}/state`);
  for (;;) await applyNext(manager, 1);
}

/** The same with lines of one size: what the disk is asked for is counted. */
async function counted(folder: string): Promise<void> {
  const manager = await open(`${folder}/state`);
  for (;;) await applyNext(manager, 1, smallEntry);
}

async function concurrent(folder: string): Promise<void> {
  const manager = await open(`${folder}/state`);
  for (;;) await applyNext(manager, CALLERS);
}

/** Less than is written between two snapshots that are asked for: each of them puts the next compaction off. */
const COMPACTION_SIZE = 24 * 1024;

/** Compactions come by themselves, and snapshots are asked for beside them. */
async function compacting(folder: string): Promise<void> {
  const manager = await open(`${folder}/state`, { ...BUSY, compactionSize: COMPACTION_SIZE });
  for (let turn = 1;; turn++) {
    await applyNext(manager, 8);
    if (turn % 5 === 0) await Promise.all([manager.createSnapshot(), applyNext(manager, 2)]);
  }
}

/** One new directory after the other; in each, the first mutations must be as safe as any later one. */
async function firstStarts(folder: string): Promise<void> {
  for (let number = 1;; number++) {
    const manager = await open(`${folder}/fresh-${number}`);
    await applyNext(manager, 1);
    await applyNext(manager, 2);
    if (number % 2 === 0) await manager.close();
  }
}

/** The disk is filled with something else until mutations are refused; then space is freed and filled again. */
async function fullDisk(folder: string): Promise<void> {
  const manager = await open(`${folder}/state`, BUSY);
  for (let turn = 0;; turn++) {
    const { bavail, bsize } = statfsSync(folder);
    const room = turn % 2 === 0 ? 0 : 600 * 1024;
    const ballast = new Uint8Array(Math.max(0, bavail * bsize - room));
    await orRefused(() => Promise.resolve(writeFileSync(`${folder}/${BALLAST}`, ballast)));
    // In groups: of mutations by themselves some could be refused and later ones taken, and get other numbers.
    const refused = await orRefused(async () => {
      for (let i = 0; i < GROUPS_MAX; i++) await applyGroup(manager, 4);
    });
    if (refused) say("full", manager.stateDir);
    writeFileSync(`${folder}/${BALLAST}`, "");
    await orRefused(() => applyGroup(manager, 4));
  }
}

/** More than fit into what is left of the disk. */
const GROUPS_MAX = 400;

async function applyGroup(manager: Manager, count: number): Promise<void> {
  const first = manager.sequence + 1;
  say("send", manager.stateDir, first + count - 1);
  const applied = await manager.applyAll(Array.from({ length: count }, (_, i) => entry(first + i)));
  say("ack", manager.stateDir, applied.at(-1)!.sequence);
}

/** Whether it was refused for want of space. */
async function orRefused(step: () => Promise<void>): Promise<boolean> {
  try {
    await step();
    return false;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "ENOSPC" && code !== "DISK_FULL") throw error;
    return true;
  }
}

/** Opens, continues, closes and opens again, as a board does that loses power while it recovers. */
async function recovering(folder: string): Promise<void> {
  for (;;) {
    const manager = await open(`${folder}/state`, BUSY);
    for (let i = 0; i < 4; i++) await applyNext(manager, 3);
    await manager.compact();
    await applyNext(manager, 1);
    await manager.close();
  }
}

/** By name. */
export const WRITERS: Record<string, Writer> = {
  sequential,
  counted,
  concurrent,
  compacting,
  "first-starts": firstStarts,
  "full-disk": fullDisk,
  recovering,
};
