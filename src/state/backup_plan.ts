/**
 * Decides which files of a state directory make a complete backup. Reads all of them before any is copied.
 *
 * @module
 */

import { coverLast } from "../recovery/covered_scan.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, ForeignFormatError } from "../errors.ts";
import { judgeTail } from "../recovery/journal_scan.ts";
import type { ReadLimit } from "../journal/journal_cursor.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import type { Batch } from "../format/scan.ts";
import { scanAftermath } from "../recovery/proof_scan.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { isUnreadable, readPatiently } from "../disk/refusals.ts";
import { verifySnapshot } from "../snapshot/snapshot_file.ts";
import { isEmptyFile } from "../disk/sync_file.ts";

/** One file to copy. */
export interface Copy {
  named: NamedFile;
  /** How much of the file to copy; `Infinity` for all of it. */
  size: number;
}

/** What to copy, in this order. */
export interface Plan {
  copies: Copy[];
  /** The last sequence in them. */
  sequence: number;
}

/**
 * Finds what a backup needs: the newest segments first, then the snapshots, the oldest first.
 *
 * @param id the journal they must belong to; `null` accepts any
 * @param limit the acknowledged end when the source is open for writing in this process; `null` finds it in the file
 * @throws {CorruptionError} when a needed file is damaged
 */
export async function planCopies(
  fs: DurableFs,
  files: StateFiles,
  id: string | null,
  limit: ReadLimit | null,
): Promise<Plan> {
  const snapshots = await soundSnapshots(fs, files, id);
  const needed = snapshots[0]?.sequence ?? 0;
  let copies: Copy[] = [];
  let sequence = snapshots.at(-1)?.sequence ?? 0;
  for (const [index, named] of files.segments.entries()) {
    // Begun after the end was determined: its records are for the next backup.
    if (limit !== null && named.sequence > limit.segmentFirst) continue;
    const next = named.path === limit?.path ? undefined : files.segments[index + 1];
    // Created when the power was cut, and never begun: it holds nothing.
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
        // Left by an interrupted compaction of a journal that no snapshot needs, or unreadable.
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

/**
 * Reads a segment to its end and returns its last batch. An unneeded segment is read as far as the disk can read it.
 */
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

/** Whether a segment that was read holds every record it must hold. */
async function isSound(
  fs: DurableFs,
  reader: SegmentReader,
  next: NamedFile | undefined,
  limit: ReadLimit | null,
): Promise<boolean> {
  // Bytes after the last record before the next segment are not copied, so damage there doesn't matter.
  if (next !== undefined) return reader.expected === next.sequence;
  if (limit !== null) return reader.expected === limit.sequence + 1;
  if (reader.damage === null) return true;
  // A batch that is being written looks torn; acknowledged bytes never do.
  return judgeTail(reader, await scanAftermath(reader, reader.soundEnd, fs.crc32)) === "unproven";
}

/** The journal's undamaged snapshots: a backup of a damaged one would be useless. */
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

/** Whether the file can't be read because of the file itself. */
function isDamaged(error: unknown): boolean {
  return error instanceof CorruptionError || error instanceof ForeignFormatError ||
    isUnreadable(error);
}

function incomplete({ path, sequence }: NamedFile, needed: number): CorruptionError {
  return new CorruptionError(
    `Cannot back up: the journal begins with "${path}", and no readable snapshot covers what came before: ` +
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
