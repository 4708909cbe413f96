/**
 * Copies a state directory to another place, consistently, even while it is being written.
 *
 * @module
 */

import { copyWithEnd } from "../disk/copy_range.ts";
import { closeAfterFailure } from "../disk/close_file.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, type DirectoryGoneError, IoError } from "../errors.ts";
import { ioError } from "../failures.ts";
import type { ReadLimit } from "../journal/journal_cursor.ts";
import { listState } from "../disk/list_state.ts";
import {
  isOwnName,
  isQuarantine,
  joinPath,
  LOCK_NAME,
  parentOf,
  QUARANTINES,
  type StateFiles,
} from "../disk/names.ts";
import { type CopyPlan, planCopies } from "./backup_plan.ts";
import { holdFiles, listEntries } from "./held_files.ts";
import { readIdentity } from "../recovery/identity.ts";
import { StateDirectory } from "../journal/state_directory.ts";

const NO_BYTES = new Uint8Array();

/** What is made, for messages. */
type Operation = "back up to" | "restore to";

/** The contents of a backup. */
export interface BackupReport {
  /** The directory that holds it. */
  directory: string;
  /** The last sequence in it. */
  sequence: number;
  /** How many files were copied. */
  files: number;
  /** Their total size in bytes. */
  size: number;
}

/**
 * Copies snapshots and segments up to the last acknowledged batch.
 *
 * Until the last file is copied the target can't be opened, because its first segment or its snapshot is missing. An
 * interrupted backup is therefore never taken for a complete one.
 *
 * @param given the target; created if missing
 * @param limit the acknowledged end when the source is open for writing in this process; `null` finds it in the file
 * @param sequenceLeast a sequence that was acknowledged: a backup that doesn't reach it is invalid
 * @throws {CorruptionError} when the source is damaged; the target is then incomplete
 * @throws {DirectoryGoneError} when the source was replaced, or its files were removed
 * @throws {IoError} when the target is not empty, can't be written, or is moved or removed during the backup
 */
export async function backupState(
  source: StateDirectory,
  given: string,
  limit: ReadLimit | null,
  sequenceLeast = 0,
): Promise<BackupReport> {
  return await makeCopy(
    source,
    given,
    "back up to",
    (destination) => copyInto(source, destination, limit, sequenceLeast),
  );
}

/**
 * Copies what a plan says, in the same way.
 *
 * @param plan of the files of `source`, which must still be there
 */
export async function copyPlanned(
  source: StateDirectory,
  given: string,
  plan: CopyPlan,
): Promise<BackupReport> {
  return await makeCopy(
    source,
    given,
    "restore to",
    (destination) => copyFiles(source.guard(destination.fs), plan, destination),
  );
}

/** Opens the target, lets `copy` write to it, and closes it. */
async function makeCopy(
  source: StateDirectory,
  given: string,
  operation: Operation,
  copy: (destination: StateDirectory) => Promise<Omit<BackupReport, "directory">>,
): Promise<BackupReport> {
  // Before anything is created: otherwise a source that is gone would leave an empty target.
  await source.files.check();
  // Resolved once, following links: a link into the quarantine counts as the quarantine.
  const target = await source.resolve(given);
  const journalName = `${source.stem}.jsonl`;
  // Writing to the target does not count as wear of the source's card.
  const fs = source.fsBeneath;
  await refuseQuarantine(fs, target, operation);
  const destination = await StateDirectory.openForWriting(fs, target, journalName);
  try {
    const copied = await source.files.read(async () => {
      const found = await destination.list();
      await refuseOthers(destination, found, operation);
      await destination.syncAncestors();
      await destination.removeTemporary(found);
      return await copy(destination);
    });
    await destination.close();
    return { directory: destination.path, ...copied };
  } catch (error) {
    await closeAfterFailure(destination);
    throw destination.gone === null || source.gone !== null
      ? error
      : targetGone(target, operation, destination.gone);
  }
}

async function copyInto(
  source: StateDirectory,
  destination: StateDirectory,
  limit: ReadLimit | null,
  sequenceLeast: number,
): Promise<Omit<BackupReport, "directory">> {
  const both = source.guard(destination.fs);
  // A writer in another process deletes files that it no longer needs. In this process, nothing is deleted during a
  // backup.
  const held = limit === null ? await holdFiles(both, source.path, source.stem) : null;
  try {
    const sourceFs = held?.fs ?? both;
    const files = await listState(sourceFs, source.path, source.stem, source.files.id);
    const id = source.files.id ?? (await readIdentity(sourceFs, files))?.id ?? null;
    const plan = await planCopies(sourceFs, files, id, limit);
    if (plan.sequence < sequenceLeast) throw cutShort(source.path, plan.sequence, sequenceLeast);
    const copied = await copyFiles(sourceFs, plan, destination);
    // Check once more: files that are not held open are opened by name.
    await source.files.check();
    return copied;
  } finally {
    await held?.release();
  }
}

async function copyFiles(
  sourceFs: DurableFs,
  { copies, sequence, ending }: CopyPlan,
  destination: StateDirectory,
): Promise<Omit<BackupReport, "directory">> {
  let size = 0;
  for (const { file, size: part } of copies) {
    const target = joinPath(destination.path, file.name);
    const end = ending?.file === file ? ending.bytes : NO_BYTES;
    size += await copyWithEnd(sourceFs, file.path, part, target, end);
    // One by one: otherwise a power cut could keep a later name and lose an earlier one.
    await destination.syncNames();
  }
  return { sequence, files: copies.length, size };
}

/**
 * Refuses the folder where a state directory sets damaged files aside, and everything in it: files damaged later would
 * end up among those of the backup.
 */
async function refuseQuarantine(
  fs: DurableFs,
  target: string,
  operation: Operation,
): Promise<void> {
  for (let path = target, parent; (parent = parentOf(path)) !== null; path = parent) {
    const isSetAside = QUARANTINES.some((name) => path === joinPath(parent, name));
    if (!isSetAside || !await isStateDirectory(fs, parent)) continue;
    throw new IoError(
      `Cannot ${operation} "${target}": "${parent}" keeps its damaged files there, and the next ones would be put ` +
        "among those of the copy: choose another directory",
      { path: target, operation },
    );
  }
}

async function isStateDirectory(fs: DurableFs, path: string): Promise<boolean> {
  try {
    return (await fs.list(path)).some(({ name }) => !isQuarantine(name) && isOwnName(name));
  } catch {
    // If it can't be listed or doesn't exist yet, the next steps report that.
    return false;
  }
}

/**
 * Refuses a target that holds anything but the leftovers of a backup interrupted before its first file was complete.
 */
async function refuseOthers(
  { fs, path: target }: StateDirectory,
  found: StateFiles,
  operation: Operation,
): Promise<void> {
  const ours = new Set([joinPath(target, LOCK_NAME), ...found.temporary]);
  const entries = await listEntries(fs, target);
  if (entries.every(({ name }) => ours.has(joinPath(target, name)))) return;
  const cause = Object.assign(new Error("it is not empty"), { code: "ENOTEMPTY" });
  throw ioError(operation, target, cause);
}

/**
 * The manager itself is fine, so the code is not `DIRECTORY_GONE`, which would mean that the manager can't continue.
 */
function targetGone(target: string, operation: Operation, cause: DirectoryGoneError): IoError {
  return new IoError(
    `Cannot ${operation} "${target}": it was moved, replaced or removed meanwhile, and what is in it is not whole: ` +
      "nothing was changed in the state; try again",
    { path: target, operation, cause },
  );
}

function cutShort(path: string, sequence: number, sequenceLeast: number): CorruptionError {
  return new CorruptionError(
    `Cannot back up "${path}": it ends with sequence ${sequence}, but ${sequenceLeast} was there when it was opened: ` +
      'files were removed since; run "ministate verify" to see what is there',
    {
      path,
      sequence: sequence + 1,
      lost: { sequenceFirst: sequence + 1, sequenceLast: sequenceLeast },
    },
  );
}
