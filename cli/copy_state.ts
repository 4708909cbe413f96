/**
 * Copies a state directory into a new one for `backup` and `restore`, again when a writer changes files meanwhile.
 *
 * @module
 */

import { MinistateError } from "../src/errors.ts";
import { ioError } from "../src/failures.ts";
import { listState } from "../src/disk/list_state.ts";
import { findJournalName, stemOf } from "../src/disk/names.ts";
import { StateDirectory } from "../src/journal/state_directory.ts";
import type { BackupReport } from "../src/state/backup.ts";
import { holdFiles } from "../src/state/held_files.ts";
import { type Context, journalNameIn, pause } from "./context.ts";
import { CommandError } from "./exit.ts";

/** How many times to restart a copy when a compaction deletes files during it, and how long to wait in between. */
const ATTEMPTS = 5;
const PAUSE_MS = 200;

/** Ensures that the destination holds no state: files there are then ours, and may be cleared for another attempt. */
export async function refuseState(context: Context, destination: string): Promise<void> {
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

/** Copies a state directory. `held` sees its files as they were at one moment; `source` is open for reading. */
export type Copy = (held: Context, source: StateDirectory) => Promise<BackupReport>;

/** Holds the files of a state directory open and lets `copy` read them. */
export async function copyState(
  context: Context,
  directory: string,
  destination: string,
  copy: Copy,
): Promise<BackupReport> {
  const journal = await journalNameIn(context, directory);
  const stem = stemOf(journal);
  // The same path for holding and for reading the files, wherever the given path leads later.
  const path = await context.fs.resolve(directory);
  for (let attempt = 1;; attempt++) {
    const held = await holdFiles(context.fs, path, stem);
    try {
      const source = await StateDirectory.openForReading(held.fs, path, journal);
      return await copy({ ...context, fs: held.fs }, source);
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

/** Removes what a failed attempt has copied, so that no two attempts are mixed. */
async function clear(context: Context, stem: string, destination: string): Promise<void> {
  // The copy had not even begun.
  if (await holdsNothing(context, destination)) return;
  const { segments, snapshots } = await listState(context.fs, destination, stem);
  for (const { path } of [...segments, ...snapshots]) await context.fs.remove(path);
}
