/**
 * What is looked at after a power cut beside the state: backups, what a compaction left, damage on its way aside.
 *
 * @module
 */

import { MinistateError, StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import { collector, DIRECTORY, type Ids, NAME } from "./world.ts";

/** Where backups go. */
export const BACKUP = "/data/copy";

/** The mutator that can read what a workload left, at whatever version it got. */
export const reader = {
  ...collector,
  version: 2,
  migrate: { state: (state: unknown) => state as Ids },
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

/** Whenever the power goes while damage is set aside, it is still to be seen, or done with: never taken for torn. */
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

/** A backup that was reported as done opens; one that was not may be incomplete, which opening says. */
export async function inspectBackup(disk: PowerCutDisk, finished: boolean): Promise<void> {
  if (!finished) return;
  const manager = await StateManager.open<Ids, never>(BACKUP, NAME, reader, { fs: disk });
  if (manager.state.ids.length < 5) throw new Error(`the backup lost ${manager.state.ids}`);
  await manager.close();
}
