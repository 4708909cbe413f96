/**
 * After a recovery, moves away what is no longer needed: unusable snapshots and superseded files.
 *
 * @module
 */

import { EDITION_MAX, type NamedFile } from "../disk/names.ts";
import type { JournalWriter } from "../journal/journal_writer.ts";
import { isStuck } from "../disk/refusals.ts";
import type { SnapshotFacts } from "./snapshot_facts.ts";
import type { StateDirectory } from "../journal/state_directory.ts";
import { type Moved, moveUnneeded } from "./quarantine_folder.ts";

/**
 * Moves unusable snapshots away.
 *
 * @returns where each is now
 * @throws {IoError} when one of them must be moved and can't be
 */
export async function setUnusableAside(
  directory: StateDirectory,
  snapshots: SnapshotFacts[],
  writer: JournalWriter,
): Promise<string[]> {
  const moved = await moveIfPossible(directory, snapshots.map(({ file }) => file));
  const paths = moved.map(({ path }) => path);
  const stuck: { file: NamedFile; error: unknown }[] = [];
  for (const [index, { error }] of moved.entries()) {
    // If it became readable again, it would claim sequences that are reused by then.
    const { file } = snapshots[index]!;
    if (error !== null && file.sequence > writer.sequence) stuck.push({ file, error });
  }
  if (stuck.length === 0) return paths;
  // The journal may have been continued in a later edition by now, which has replaced them.
  const inForce = new Set((await directory.list()).snapshots.map(({ path }) => path));
  const errors = stuck.filter(({ file }) => inForce.has(file.path)).map(({ error }) => error);
  if (errors.length === 0) return paths;
  const edition = writer.identity.edition + 1;
  const decisive = errors.find((error) => !isStuck(error)) ?? errors[0];
  if (!isStuck(decisive) || edition > EDITION_MAX) throw decisive;
  await writer.beginEdition(edition);
  return paths;
}

/** Moves superseded files away; returns where they are now, and which of them stay. */
export async function setSupersededAside(
  directory: StateDirectory,
): Promise<{ moved: string[]; stuck: string[] }> {
  const { superseded } = await directory.list();
  const files = await moveIfPossible(directory, superseded);
  const pathsOf = (some: Moved[]) => some.map(({ path }) => path);
  return {
    moved: pathsOf(files.filter(({ error }) => error === null)),
    stuck: pathsOf(files.filter(({ error }) => error !== null)),
  };
}

/** Like `moveUnneeded`; if there is no quarantine, no file is moved. */
export async function moveIfPossible(
  directory: StateDirectory,
  files: NamedFile[],
): Promise<Moved[]> {
  try {
    return await moveUnneeded(directory, files);
  } catch (error) {
    return files.map(({ path }) => ({ path, error }));
  }
}
