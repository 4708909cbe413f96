/**
 * `snapshot`, `compact` and `backup`, as in the API.
 *
 * @module
 */

import { type BackupReport, backupState } from "../src/state/backup.ts";
import { CorruptionError, MinistateError } from "../src/errors.ts";
import { ioError } from "../src/failures.ts";
import { listState } from "../src/disk/list_state.ts";
import { findJournalName, stemOf } from "../src/disk/names.ts";
import { holdFiles } from "../src/state/held_files.ts";
import { StateDirectory } from "../src/journal/state_directory.ts";
import { type Context, journalNameIn, openDocument, pause, say, sayJson } from "./context.ts";
import { CommandError, EXIT } from "./exit.ts";
import { inspectSteadily } from "./steady.ts";
import { countText, safeText, sizeText } from "./text.ts";

/** How many times to restart a copy when a compaction deletes files during it, and how long to wait in between. */
const ATTEMPTS = 5;
const PAUSE_MS = 200;

/** Writes a snapshot, and like every compaction deletes files that it makes unneeded. */
export async function snapshot(context: Context, directory: string): Promise<number> {
  const manager = await openDocument(context, directory, false);
  try {
    const info = await manager.createSnapshot();
    if (context.json) sayJson(context, info);
    else say(context, `${safeText(info.path)}  sequence ${info.sequence}, ${sizeText(info.size)}`);
    return EXIT.ok;
  } finally {
    await manager.close();
  }
}

/** The same, and says which files were deleted. */
export async function compact(context: Context, directory: string): Promise<number> {
  const manager = await openDocument(context, directory, false);
  try {
    const report = await manager.compact();
    if (context.json) {
      sayJson(context, report);
      return EXIT.ok;
    }
    const { path, sequence, size } = report.snapshot;
    say(context, `${safeText(path)}  sequence ${sequence}, ${sizeText(size)}`);
    for (const deleted of report.deleted) say(context, `deleted  ${safeText(deleted)}`);
    if (report.deleted.length === 0) {
      say(context, "Nothing to delete yet: the journal since the older of two snapshots is kept");
    }
    return EXIT.ok;
  } finally {
    await manager.close();
  }
}

/** Copies any state directory, even while another process writes it. */
export async function backup(
  context: Context,
  directory: string,
  destination: string,
): Promise<number> {
  await refuseState(context, destination);
  const report = await copyState(context, directory, destination);
  if (context.json) sayJson(context, report);
  else {
    const copied = `${countText(report.files, "file")}, ${sizeText(report.size)}`;
    say(context, `${safeText(destination)}  up to sequence ${report.sequence}, ${copied}`);
  }
  return EXIT.ok;
}

/** Ensures that the destination holds no state: files there are then ours, and may be cleared for another attempt. */
async function refuseState(context: Context, destination: string): Promise<void> {
  if (await holdsNothing(context, destination)) return;
  throw new CommandError(
    "NOT_EMPTY",
    `"${destination}" holds a state already: give another directory`,
  );
}

async function holdsNothing(context: Context, destination: string): Promise<boolean> {
  try {
    return await findJournalName(context.fs, destination) === null;
  } catch (error) {
    const failure = ioError("list", destination, error);
    if (failure.systemCode === "ENOENT") return true;
    throw failure;
  }
}

async function copyState(
  context: Context,
  directory: string,
  destination: string,
): Promise<BackupReport> {
  const journal = await journalNameIn(context, directory);
  const stem = stemOf(journal);
  // The same path for holding and for reading the files, wherever the given path leads later.
  const path = await context.fs.resolve(directory);
  for (let attempt = 1;; attempt++) {
    const held = await holdFiles(context.fs, path, stem);
    try {
      await refuseLoss({ ...context, fs: held.fs }, path);
      const source = await StateDirectory.openForReading(held.fs, path, journal);
      return await backupState(source, destination, null);
    } catch (error) {
      if (!(error instanceof MinistateError) || attempt >= attemptsFor(error)) throw error;
      await clear(context, stem, destination);
      await pause(PAUSE_MS);
    } finally {
      await held.release();
    }
  }
}

/** Apparent damage may come from listing files while names change. Twice in a row, it is real. */
function attemptsFor(error: MinistateError): number {
  if (error.code === "CORRUPT") return 2;
  return error.systemCode === "ENOENT" ? ATTEMPTS : 1;
}

/** Refuses to copy a state that a repair would not keep in full. */
async function refuseLoss(context: Context, directory: string): Promise<void> {
  const { nextOpen, findings } = await inspectSteadily(context, directory);
  if (nextOpen.outcome !== "refuse" || nextOpen.lost === null) return;
  const finding = findings.find(({ severity, needed }) => severity === "corrupt" && needed)!;
  throw new CorruptionError(
    `Cannot back up "${directory}": ${finding.reason}: a copy would lose acknowledged mutations; ` +
      'run "ministate verify" to see them, "cp -r" to keep the files as they are',
    { path: finding.path, offset: finding.offset ?? undefined, lost: nextOpen.lost },
  );
}

/** Removes what a failed attempt has copied, so that no two attempts are mixed. */
async function clear(context: Context, stem: string, destination: string): Promise<void> {
  // The copy had not even begun.
  if (await holdsNothing(context, destination)) return;
  const { segments, snapshots } = await listState(context.fs, destination, stem);
  for (const { path } of [...segments, ...snapshots]) await context.fs.remove(path);
}
