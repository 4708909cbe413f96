/**
 * Reads the snapshot that replay starts from.
 *
 * @module
 */

import { readHeaderOf } from "../disk/header_file.ts";
import type { StateFiles } from "../disk/names.ts";
import { isFilesOwn } from "../disk/refusals.ts";
import type { DurableFs } from "../durable_fs.ts";
import { isOther, pointOf } from "../format/history_point.ts";
import { firstNeeded } from "./plan.ts";
import { readSegmentFacts } from "./segment_facts.ts";
import { isOtherAt } from "./segment_history.ts";
import {
  type FoundSnapshot,
  readNewestSnapshot,
  readSnapshotFacts,
  type SnapshotFacts,
} from "./snapshot_facts.ts";
import type { Survey } from "./survey.ts";

/**
 * Reads snapshots, the newest first, until one can be used. If that snapshot and the journal belong to two histories, all
 * files are read to find out which of them is strange.
 *
 * @param owner.id the journal they must belong to; `null` accepts any
 * @param owner.versionMax the latest version of the mutator whose snapshots are used
 * @param readAll reads all files, and finds out which of them are strange
 * @returns the usable one, and what is known about it and about newer ones, the oldest first
 * @throws {TooNewError} when a newer version wrote one of them
 * @throws {IoError} when the operating system refuses for a reason other than the file itself
 */
export async function readStart(
  fs: DurableFs,
  files: StateFiles,
  { id, versionMax }: { id: string | null; versionMax: number },
  readAll: () => Promise<Survey>,
): Promise<{ found: FoundSnapshot | null; read: SnapshotFacts[] }> {
  const newest = await readNewestSnapshot(fs, files, id, { versionMax });
  if (newest.found === null || !await isDisputed(fs, files, newest.found)) return newest;
  const { snapshots, start } = await readAll();
  if (start.snapshot?.path === newest.found.file.path) return newest;
  if (start.snapshot === null) return { found: null, read: snapshots };
  const { found, facts } = await readSnapshotFacts(fs, start.snapshot, { build: true });
  const later = snapshots.filter(({ file }) => file.sequence > start.sequence);
  return { found, read: [facts, ...later] };
}

/** Whether the segment after a snapshot, or the one that holds its last batch, belongs to another history. */
async function isDisputed(
  fs: DurableFs,
  { segments }: StateFiles,
  { header }: FoundSnapshot,
): Promise<boolean> {
  const point = pointOf(header);
  const file = segments[firstNeeded(segments, point.sequence)];
  if (file === undefined || point.checksum === null) return false;
  if (file.sequence <= point.sequence) {
    const facts = await readSegmentFacts(fs, file, { points: [point.sequence] });
    return facts.failure === null && facts.header.id === header.id && isOtherAt(facts, point);
  }
  try {
    const next = await readHeaderOf(fs, file, "journal");
    return next.kind === "sound" && next.header.id === header.id &&
      isOther(pointOf(next.header).checksum, point.checksum);
  } catch (error) {
    // What is wrong with it is found when it is read.
    if (!isFilesOwn(error)) throw error;
    return false;
  }
}
