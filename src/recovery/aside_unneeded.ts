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
  const stuck: { named: NamedFile; error: unknown }[] = [];
  for (const [index, { path, error }] of moved.entries()) {
    report.snapshotsSkipped[index]!.path = path;
    // If it became readable again, it would claim sequences that are reused by then.
    const { named } = rotten[index]!;
    if (error !== null && named.sequence > report.sequence) stuck.push({ named, error });
  }
  if (stuck.length === 0) return;
  // The journal may have been continued in a later edition by now, which has replaced them.
  const { snapshots } = await directory.list();
  const inForce = stuck.filter(({ named }) => snapshots.some(({ path }) => path === named.path));
  if (inForce.length === 0) return;
  const edition = writer.identity.edition + 1;
  const decisive = inForce.find(({ error }) => !isStuck(error)) ?? inForce[0]!;
  if (!isStuck(decisive.error) || edition > EDITION_MAX) throw decisive.error;
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
