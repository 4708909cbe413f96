/**
 * Copies a state directory to another place, consistently, also while it is being written.
 *
 * @module
 */

import { copyRange } from "../recovery/copy_range.ts";
import { coverLast } from "../recovery/covered_scan.ts";
import type { DirectoryEntry, DurableFs } from "../durable_fs.ts";
import { CorruptionError, ForeignFormatError, IoError, ioError } from "../errors.ts";
import { judgeTail } from "../recovery/journal_scan.ts";
import type { ReadLimit } from "../journal/journal_cursor.ts";
import {
  isOwnName,
  joinPath,
  listState,
  LOCK_NAME,
  type NamedFile,
  QUARANTINE,
  type StateFiles,
} from "../format/names.ts";
import type { Batch } from "../format/scan.ts";
import { holdFiles } from "./held_files.ts";
import { readIdentity } from "../recovery/identity.ts";
import { scanAftermath } from "../recovery/proof_scan.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { isUnreadable, readPatiently } from "../refusals.ts";
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
 * @param given where to; made when it is missing
 * @param limit the acknowledged end when the source is open for writing in this process; `null` finds it in the file
 * @throws {CorruptionError} when the source is damaged; the target is then incomplete
 * @throws {IoError} when the target is not empty or can't be written
 */
export async function backupState(
  source: StateDirectory,
  given: string,
  limit: ReadLimit | null,
): Promise<BackupReport> {
  // Once, and with links followed: a link into the quarantine is the quarantine.
  const target = await source.resolve(given);
  const journalName = `${source.stem}.jsonl`;
  // What is written there is no wear of the source's card.
  const fs = source.fsBeneath;
  await refuseQuarantine(fs, target);
  const destination = await StateDirectory.openForWriting(fs, target, journalName);
  try {
    const found = await destination.list();
    await refuseOthers(destination, found);
    await destination.syncAncestors();
    await destination.removeTemporary(found);
    const both = source.guard(destination.fs);
    // A writer in another process deletes what it no longer needs; here, nothing is deleted meanwhile.
    const held = limit === null ? await holdFiles(both, source.path, source.stem) : null;
    try {
      const copied = await copyFiles(held?.fs ?? both, source, destination, limit);
      return { directory: destination.path, ...copied };
    } finally {
      await held?.release();
    }
  } finally {
    await destination.close();
  }
}

async function copyFiles(
  sourceFs: DurableFs,
  source: StateDirectory,
  destination: StateDirectory,
  limit: ReadLimit | null,
): Promise<Omit<BackupReport, "directory">> {
  const files = await listState(sourceFs, source.path, source.stem);
  const { copies, sequence } = await planCopies(sourceFs, files, limit);
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
  const parts = target.split("/").filter((part, i) => i === 0 || (part !== "" && part !== "."));
  for (const [i, part] of parts.entries()) {
    if (part !== QUARANTINE || parts[i + 1] === "..") continue;
    const parent = parts.slice(0, i).join("/") || (target.startsWith("/") ? "/" : ".");
    if (!await isStateDirectory(fs, parent)) continue;
    throw new IoError(
      `Cannot back up to "${target}": "${parent}" keeps its damaged files there, and the next ones would be put ` +
        "among those of the backup: choose another directory",
      { path: target, operation: "back up to" },
    );
  }
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
  fs: DurableFs,
  files: StateFiles,
  limit: ReadLimit | null,
): Promise<{ copies: Copy[]; sequence: number }> {
  const id = (await readIdentity(fs, files))?.id ?? null;
  const snapshots = await soundSnapshots(fs, files, id);
  const needed = snapshots[0]?.sequence ?? 0;
  let copies: Copy[] = [];
  let sequence = snapshots.at(-1)?.sequence ?? 0;
  for (const [index, named] of files.segments.entries()) {
    // Begun since the end was taken: what is in it is for the next backup.
    if (limit !== null && named.sequence > limit.segmentFirst) continue;
    const next = named.path === limit?.path ? undefined : files.segments[index + 1];
    // Made when the power went, and never begun: nothing is in it.
    if (index === files.segments.length - 1 && await isEmptyFile(fs, named.path)) continue;
    const isUnneeded = next !== undefined && next.sequence <= needed + 1;
    let reader: SegmentReader;
    try {
      reader = await SegmentReader.open(fs, named);
    } catch (error) {
      if (!isUnneeded || !isUnreadable(error)) throw error;
      copies = [];
      continue;
    }
    try {
      const end = named.path === limit?.path ? limit.offset : Infinity;
      const last = await readToEnd(reader, end, isUnneeded);
      const isOwn = id === null || reader.header.id === id;
      if (isOwn && await isSound(fs, reader, next, limit)) {
        if (limit === null && next === undefined) await coverLast(fs, files, last);
        copies.unshift({ named, size: reader.soundEnd });
        sequence = Math.max(sequence, reader.expected - 1);
      } else if (isUnneeded) {
        // What an interrupted compaction left of a journal that no snapshot needs, or what can't be read of it.
        copies = [];
      } else {
        throw damaged(reader);
      }
    } finally {
      await reader.close();
    }
  }
  const oldest = copies.at(-1)?.named;
  if (oldest !== undefined && oldest.sequence > needed + 1) throw incomplete(oldest, needed);
  for (const named of snapshots) copies.push({ named, size: Infinity });
  return { copies, sequence };
}

/** Reads a segment to its end, and gives its last batch; one that nobody needs, as far as the disk gives it. */
async function readToEnd(
  reader: SegmentReader,
  limit: number,
  isUnneeded: boolean,
): Promise<Batch | null> {
  let last: Batch | null = null;
  try {
    for (let batches; (batches = await reader.read(limit)) !== null;) last = batches.at(-1)!;
  } catch (error) {
    if (!isUnneeded || error !== reader.unreadable) throw error;
  }
  return reader.sealed ? null : last;
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
      const header = await readPatiently(() => verifySnapshot(fs, named));
      if (id === null || header.id === id) sound.push(named);
    } catch (error) {
      if (!isDamaged(error)) throw error;
    }
  }
  return sound;
}

/** Whether the file can't be read for a reason of its own. */
function isDamaged(error: unknown): boolean {
  return error instanceof CorruptionError || error instanceof ForeignFormatError ||
    isUnreadable(error);
}

function incomplete({ path, sequence }: NamedFile, needed: number): CorruptionError {
  return new CorruptionError(
    `Cannot back up: the journal begins with "${path}", and no snapshot that can be read stands in for what was before: ` +
      'run "ministate verify" to see what is affected',
    {
      path,
      sequence: needed + 1,
      lost: { sequenceFirst: needed + 1, sequenceLast: sequence - 1 },
    },
  );
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
