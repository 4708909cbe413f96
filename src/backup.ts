/**
 * Copies a state directory to another place, consistently, also while it is being written.
 *
 * @module
 */

import { copyRange } from "./copy_range.ts";
import type { DurableFs } from "./durable_fs.ts";
import { CorruptionError, ioError } from "./errors.ts";
import type { ReadLimit } from "./journal_cursor.ts";
import { joinPath, LOCK_NAME, type NamedFile, type StateFiles } from "./names.ts";
import { SegmentReader } from "./segment_reader.ts";
import { restoreNewest } from "./snapshot_restore.ts";
import { StateDirectory } from "./state_directory.ts";

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

interface Copy {
  named: NamedFile;
  /** How much of the file; `Infinity` for all. */
  size: number;
}

/**
 * Copies snapshots and segments up to the last acknowledged batch.
 *
 * Until the last file is copied the target can't be opened (its first segment, or its snapshot, is missing), so
 * an interrupted backup is never taken for a whole one.
 *
 * @param limit the acknowledged end when the source is open for writing in this process; `null` finds it in the file
 * @throws {CorruptionError} when the source is damaged; the target is then incomplete
 * @throws {IoError} when the target is not empty or can't be written
 */
export async function backupState(
  source: StateDirectory,
  target: string,
  limit: ReadLimit | null,
): Promise<BackupReport> {
  const journalName = `${source.stem}.jsonl`;
  const destination = await StateDirectory.openForWriting(source.fs, target, journalName);
  try {
    const found = await destination.list();
    await refuseOthers(source.fs, target, found);
    await destination.syncAncestors();
    await destination.removeTemporary(found);
    const files = await source.list();
    const { copies, sequence } = await planCopies(source, files, limit);
    let size = 0;
    for (const { named, size: part } of copies) {
      size += await copyRange(
        source.fs,
        named.path,
        0,
        part,
        joinPath(destination.path, named.name),
      );
      // One by one: otherwise a power cut could keep a later name and lose an earlier one.
      await destination.syncNames();
    }
    return { directory: target, sequence, files: copies.length, size };
  } finally {
    await destination.close();
  }
}

/** Refuses a target that holds anything but what a backup cut short before its first file has left. */
async function refuseOthers(fs: DurableFs, target: string, found: StateFiles): Promise<void> {
  const ours = new Set([joinPath(target, LOCK_NAME), ...found.temporary]);
  const entries = await fs.list(target);
  if (entries.every(({ name }) => ours.has(joinPath(target, name)))) return;
  const cause = Object.assign(new Error("it is not empty"), { code: "ENOTEMPTY" });
  throw ioError("back up to", target, cause);
}

/** The newest segments first, the snapshots last, the oldest of those first. */
async function planCopies(
  source: StateDirectory,
  files: StateFiles,
  limit: ReadLimit | null,
): Promise<{ copies: Copy[]; sequence: number }> {
  const copies: Copy[] = [];
  let sequence = 0;
  for (const named of files.segments) {
    if (limit !== null && named.sequence > limit.sequence + 1) continue;
    const reader = await SegmentReader.open(source.fs, named);
    try {
      const offset = limit?.path === named.path ? limit.offset : Infinity;
      while (await reader.read(offset) !== null);
      const next = named.path === limit?.path
        ? undefined
        : files.segments[files.segments.indexOf(named) + 1];
      // Behind the last record before the next segment, nothing is copied and nothing can be damaged.
      if (next !== undefined && reader.expected !== next.sequence) throw damaged(reader);
      copies.unshift({ named, size: reader.soundEnd });
      sequence = reader.expected - 1;
    } finally {
      await reader.close();
    }
  }
  // Read to the last byte: a backup of a rotten snapshot is no backup.
  const { found, rotten } = await restoreNewest(source.fs, files, null);
  const bad = new Set(rotten.map(({ named }) => named.name));
  for (const named of files.snapshots) {
    if (!bad.has(named.name)) copies.push({ named, size: Infinity });
  }
  return { copies, sequence: Math.max(sequence, found?.named.sequence ?? 0) };
}

function damaged(reader: SegmentReader): CorruptionError {
  const { path } = reader.named;
  const offset = reader.damage?.offset ?? reader.soundEnd;
  return new CorruptionError(
    `Cannot back up "${path}": it is damaged at offset ${offset}: run "ministate verify" to see what is affected`,
    {
      path,
      offset,
      sequence: reader.expected,
      lost: { sequenceFirst: reader.expected, sequenceLast: null },
    },
  );
}
