/**
 * After a recovery, moves away what is no longer needed: unusable snapshots and superseded files.
 *
 * @module
 */

import { EDITION_MAX, type NamedFile } from "../disk/names.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";
import { isStuck } from "../disk/refusals.ts";
import type { Rotten } from "./snapshot_restore.ts";
import type { StateDirectory } from "../journal/state_directory.ts";
import { type Moved, moveUnneeded } from "./quarantine_folder.ts";
import type { RecoveryReport } from "./recovery_report.ts";

/**
 * Moves unusable snapshots away, and reports where they are.
 *
 * @throws {IoError} when one of them must be moved and can't be
 */
export async function setRottenAside(
  directory: StateDirectory,
  rotten: Rotten[],
  report: RecoveryReport,
  writer: JournalWriter,
): Promise<void> {
  const moved = await moveIfPossible(directory, rotten.map(({ named }) => named));
  let stuck: unknown = null;
  for (const [index, { path, error }] of moved.entries()) {
    report.snapshotsSkipped[index]!.path = path;
    // If it became readable again, it would claim sequences that are reused by then.
    if (error !== null && rotten[index]!.named.sequence > report.sequence) stuck = error;
  }
  if (stuck === null) return;
  const edition = writer.identity.edition + 1;
  if (!isStuck(stuck) || edition > EDITION_MAX) throw stuck;
  await writer.beginEdition(edition);
}

/** Moves superseded files away, and reports those that stay. */
export async function setSupersededAside(
  directory: StateDirectory,
  report: RecoveryReport,
): Promise<void> {
  const { superseded } = await directory.list();
  for (const { path, error } of await moveIfPossible(directory, superseded)) {
    if (error === null) report.lost?.quarantined.push(path);
    else report.superseded.push(path);
  }
}

/** Like `moveUnneeded`; if there is no quarantine, no file is moved. */
async function moveIfPossible(directory: StateDirectory, files: NamedFile[]): Promise<Moved[]> {
  try {
    return await moveUnneeded(directory, files);
  } catch (error) {
    return files.map(({ path }) => ({ path, error }));
  }
}
