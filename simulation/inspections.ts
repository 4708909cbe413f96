/**
 * What is checked after a power cut besides the state: backups, what a compaction left, damage being set aside.
 *
 * @module
 */

import { MinistateError, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { collector, DIRECTORY, type Ids, NAME } from "./world.ts";

/** Where backups go. */
export const BACKUP = "/data/copy";

/** The mutator that can read what a workload left, at whatever version it got. */
export const reader = {
  ...collector,
  version: 2,
  migrate: { state: (state: unknown) => state as Ids },
};

/** A mutator whose state is too large to be encoded in one piece. */
export const hoarder = {
  ...reader,
  initial: (): Ids => ({ ids: [], ballast: "x".repeat(300 * 1024) }),
};

/** Whenever the power goes during a compaction, what it leaves can be backed up, and the copy is whole. */
export async function inspectCompacted(disk: PowerCutDisk): Promise<void> {
  const open = (path: string) =>
    StateManager.open<Ids, never>(path, NAME, reader, { fs: disk, readOnly: true });
  const manager = await open(DIRECTORY);
  await manager.backup(BACKUP);
  const copy = await open(BACKUP);
  if (copy.sequence < manager.sequence) throw new Error(`the backup ends at ${copy.sequence}`);
}

/** Whenever the power fails while damage is set aside, the damage is still visible, or fully handled: never taken for torn. */
export async function inspectDamaged(disk: PowerCutDisk): Promise<void> {
  const before = disk.image();
  let torn;
  try {
    const manager = await StateManager.open<Ids, never>(DIRECTORY, NAME, reader, { fs: disk });
    torn = manager.recovery.torn;
  } catch (error) {
    if (error instanceof MinistateError && error.code === "CORRUPT") return;
    throw error;
  }
  if (torn === null) return;
  const bytes = before.peek(torn.path)!.subarray(torn.offset, torn.offset + torn.size);
  if (new TextDecoder("latin1").decode(bytes).includes('"hd":4')) {
    throw new Error("acknowledged bytes were taken for a torn tail");
  }
}

/** A backup that was reported as done opens; one that was not is whole, or opening says what it is. */
export async function inspectBackup(disk: PowerCutDisk, finished: boolean): Promise<void> {
  // Before its first file, it looks like a directory that is about to be used for the first time.
  const isBegun = disk.paths(BACKUP).some((path) => path.endsWith(".jsonl"));
  if (!finished && !isBegun) return;
  let manager;
  try {
    manager = await StateManager.open<Ids, never>(BACKUP, NAME, reader, { fs: disk });
  } catch (error) {
    if (!finished && error instanceof MinistateError) return;
    throw error;
  }
  if (manager.state.ids.length < 5) throw new Error(`the backup lost ${manager.state.ids}`);
  await manager.close();
}
