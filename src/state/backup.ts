/**
 * Copies a state directory to another place, consistently, also while it is being written.
 *
 * @module
 */

import { copyRange } from "../recovery/copy_range.ts";
import { closeAfterFailure } from "../close_file.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, type DirectoryGoneError, IoError, ioError } from "../errors.ts";
import type { ReadLimit } from "../journal/journal_cursor.ts";
import {
  isOwnName,
  joinPath,
  listState,
  LOCK_NAME,
  parentOf,
  QUARANTINE,
  type StateFiles,
} from "../format/names.ts";
import { type Plan, planCopies } from "./backup_plan.ts";
import { holdFiles, listEntries } from "./held_files.ts";
import { readIdentity } from "../recovery/identity.ts";
import { StateDirectory } from "../state_directory.ts";

/** What a backup holds. */
export interface BackupReport {
  /** Where it is. */
  directory: string;
  /** The last sequence in it. */
  sequence: number;
  /** How many files were copied. */
  files: number;
  /** Their size in bytes. */
  size: number;
}

/**
 * Copies snapshots and segments up to the last acknowledged batch.
 *
 * Until the last file is copied the target can't be opened (its first segment, or its snapshot, is missing), so
 * an interrupted backup is never taken for a whole one.
 *
 * @param given where to; made when it is missing
 * @param limit the acknowledged end when the source is open for writing in this process; `null` finds it in the file
 * @param known a sequence that was acknowledged: a backup that doesn't reach it is none
 * @throws {CorruptionError} when the source is damaged; the target is then incomplete
 * @throws {DirectoryGoneError} when the source was replaced, or its files were removed
 * @throws {IoError} when the target is not empty, can't be written, or is moved or removed meanwhile
 */
export async function backupState(
  source: StateDirectory,
  given: string,
  limit: ReadLimit | null,
  known = 0,
): Promise<BackupReport> {
  // Before anything is made: otherwise a directory that is gone leaves an empty target.
  await source.files.check();
  // Once, and with links followed: a link into the quarantine is the quarantine.
  const target = await source.resolve(given);
  const journalName = `${source.stem}.jsonl`;
  // What is written there is no wear of the source's card.
  const fs = source.fsBeneath;
  await refuseQuarantine(fs, target);
  refuseInside(source.path, target);
  const destination = await StateDirectory.openForWriting(fs, target, journalName);
  try {
    const copied = await source.files.read(() => copyInto(source, destination, limit, known));
    await destination.close();
    return { directory: destination.path, ...copied };
  } catch (error) {
    await closeAfterFailure(destination);
    throw destination.gone === null || source.gone !== null
      ? error
      : targetGone(target, destination.gone);
  }
}

async function copyInto(
  source: StateDirectory,
  destination: StateDirectory,
  limit: ReadLimit | null,
  known: number,
): Promise<Omit<BackupReport, "directory">> {
  const found = await destination.list();
  await refuseOthers(destination, found);
  await destination.syncAncestors();
  await destination.removeTemporary(found);
  const both = source.guard(destination.fs);
  // A writer in another process deletes what it no longer needs; here, nothing is deleted meanwhile.
  const held = limit === null ? await holdFiles(both, source.path, source.stem) : null;
  try {
    const sourceFs = held?.fs ?? both;
    const files = await listState(sourceFs, source.path, source.stem);
    const id = source.files.id ?? (await readIdentity(sourceFs, files))?.id ?? null;
    const plan = await planCopies(sourceFs, files, id, limit);
    if (plan.sequence < known) throw cutShort(source.path, plan.sequence, known);
    const copied = await copyFiles(sourceFs, plan, destination);
    // Once more: what is not held is opened by name.
    await source.files.check();
    return copied;
  } finally {
    await held?.release();
  }
}

async function copyFiles(
  sourceFs: DurableFs,
  { copies, sequence }: Plan,
  destination: StateDirectory,
): Promise<Omit<BackupReport, "directory">> {
  let size = 0;
  for (const { named, size: part } of copies) {
    size += await copyRange(sourceFs, named.path, 0, part, joinPath(destination.path, named.name));
    // One by one: otherwise a power cut could keep a later name and lose an earlier one.
    await destination.syncNames();
  }
  return { sequence, files: copies.length, size };
}

/**
 * Refuses the folder of a state directory where damaged files are set aside, and everything in it: the next damage
 * would be put among the files of the backup.
 */
async function refuseQuarantine(fs: DurableFs, target: string): Promise<void> {
  for (let path = target, parent; (parent = parentOf(path)) !== null; path = parent) {
    if (path !== joinPath(parent, QUARANTINE) || !await isStateDirectory(fs, parent)) continue;
    throw new IoError(
      `Cannot back up to "${target}": "${parent}" keeps its damaged files there, and the next ones would be put ` +
        "among those of the backup: choose another directory",
      { path: target, operation: "back up to" },
    );
  }
}

/** Refuses a target inside the state: whoever moves, restores or removes that would take the backup along. */
function refuseInside(source: string, target: string): void {
  if (!target.startsWith(joinPath(source, ""))) return;
  throw new IoError(
    `Cannot back up to "${target}": it is inside the state "${source}", and would be lost with it: ` +
      "choose another directory",
    { path: target, operation: "back up to" },
  );
}

async function isStateDirectory(fs: DurableFs, path: string): Promise<boolean> {
  try {
    return (await fs.list(path)).some(({ name }) => name !== QUARANTINE && isOwnName(name));
  } catch {
    // What can't be listed, or isn't there yet, is told by what comes next.
    return false;
  }
}

/** Refuses a target that holds anything but what a backup cut short before its first file has left. */
async function refuseOthers(
  { fs, path: target }: StateDirectory,
  found: StateFiles,
): Promise<void> {
  const ours = new Set([joinPath(target, LOCK_NAME), ...found.temporary]);
  const entries = await listEntries(fs, target);
  if (entries.every(({ name }) => ours.has(joinPath(target, name)))) return;
  const cause = Object.assign(new Error("it is not empty"), { code: "ENOTEMPTY" });
  throw ioError("back up to", target, cause);
}

/** The manager itself is well: another code than `DIRECTORY_GONE`, which says that it is over. */
function targetGone(target: string, cause: DirectoryGoneError): IoError {
  return new IoError(
    `Cannot back up to "${target}": it was moved, replaced or removed meanwhile, and what is in it is no backup: ` +
      "nothing was changed in the state; back up again",
    { path: target, operation: "back up to", cause },
  );
}

function cutShort(path: string, sequence: number, known: number): CorruptionError {
  return new CorruptionError(
    `Cannot back up "${path}": it ends with sequence ${sequence}, and ${known} was there when it was opened: ` +
      'files were removed since; run "ministate verify" to see what is there',
    { path, sequence: sequence + 1, lost: { sequenceFirst: sequence + 1, sequenceLast: known } },
  );
}
