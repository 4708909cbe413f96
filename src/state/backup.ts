/**
 * Copies a state directory to another place, consistently, also while it is being written.
 *
 * @module
 */

import { copyRange } from "../recovery/copy_range.ts";
import type { DirectoryEntry, DurableFs } from "../durable_fs.ts";
import { CorruptionError, ForeignFormatError, ioError } from "../errors.ts";
import { judgeTail } from "../recovery/journal_scan.ts";
import type { ReadLimit } from "../journal/journal_cursor.ts";
import { joinPath, LOCK_NAME, type NamedFile, type StateFiles } from "../format/names.ts";
import { readIdentity } from "../recovery/identity.ts";
import { scanAftermath } from "../recovery/proof_scan.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { verifySnapshot } from "../snapshot/snapshot_file.ts";
import { StateDirectory } from "../state_directory.ts";
import { isEmptyFile } from "../sync_file.ts";

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
  // What is written there is no wear of the source's card.
  const fs = source.fsUncounted;
  const destination = await StateDirectory.openForWriting(fs, target, journalName);
  try {
    const found = await destination.list();
    await refuseOthers(fs, target, found);
    await destination.syncAncestors();
    await destination.removeTemporary(found);
    const files = await source.list();
    const { copies, sequence } = await planCopies(source, files, limit);
    let size = 0;
    for (const { named, size: part } of copies) {
      size += await copyRange(fs, named.path, 0, part, joinPath(destination.path, named.name));
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
  let entries: DirectoryEntry[];
  try {
    entries = await fs.list(target);
  } catch (error) {
    throw ioError("list", target, error);
  }
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
  const stored = await readIdentity(source.fs, files);
  const snapshots = await soundSnapshots(source.fs, files, stored?.id ?? null);
  const needed = snapshots[0]?.sequence ?? 0;
  let copies: Copy[] = [];
  let sequence = snapshots.at(-1)?.sequence ?? 0;
  for (const [index, named] of files.segments.entries()) {
    // Begun since the end was taken: what is in it is for the next backup.
    if (limit !== null && named.sequence > limit.segmentFirst) continue;
    const next = named.path === limit?.path ? undefined : files.segments[index + 1];
    // Made when the power went, and never begun: nothing is in it.
    if (index === files.segments.length - 1 && await isEmptyFile(source.fs, named.path)) continue;
    const reader = await SegmentReader.open(source.fs, named);
    try {
      while (await reader.read(named.path === limit?.path ? limit.offset : Infinity) !== null);
      if (await isSound(source.fs, reader, next, limit)) {
        copies.unshift({ named, size: reader.soundEnd });
        sequence = Math.max(sequence, reader.expected - 1);
      } else if (next !== undefined && next.sequence <= needed + 1) {
        // What an interrupted compaction left of a journal that no snapshot needs.
        copies = [];
      } else {
        throw damaged(reader);
      }
    } finally {
      await reader.close();
    }
  }
  for (const named of snapshots) copies.push({ named, size: Infinity });
  return { copies, sequence };
}

/** Whether a segment that was read holds every record it must. */
async function isSound(
  fs: DurableFs,
  reader: SegmentReader,
  next: NamedFile | undefined,
  limit: ReadLimit | null,
): Promise<boolean> {
  // Behind the last record before the next segment, nothing is copied and nothing can be damaged.
  if (next !== undefined) return reader.expected === next.sequence;
  if (limit !== null) return reader.expected === limit.sequence + 1;
  if (reader.damage === null) return true;
  // A batch that is being written looks torn; anything that had been acknowledged doesn't.
  return judgeTail(reader, await scanAftermath(reader, reader.soundEnd, fs.crc32)) === "unproven";
}

/** The journal's snapshots that are as they were written: a backup of a rotten one is no backup. */
async function soundSnapshots(
  fs: DurableFs,
  files: StateFiles,
  id: string | null,
): Promise<NamedFile[]> {
  const sound: NamedFile[] = [];
  for (const named of files.snapshots) {
    try {
      const header = await verifySnapshot(fs, named);
      if (id === null || header.id === id) sound.push(named);
    } catch (error) {
      if (!(error instanceof CorruptionError || error instanceof ForeignFormatError)) throw error;
    }
  }
  return sound;
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
