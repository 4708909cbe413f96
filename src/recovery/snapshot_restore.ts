/**
 * Finds the newest snapshot that is sound to the last byte.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, IoError, MinistateError, TooNewError } from "../errors.ts";
import type { SnapshotHeader } from "../format/format.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { readHeaderOf } from "../disk/header_file.ts";
import { isFilesOwn, isUnreadable, readPatiently } from "../disk/refusals.ts";
import { readSnapshot, type SnapshotReading } from "../snapshot/snapshot_file.ts";

/** A snapshot that can't be used, and why. */
export interface Rotten {
  named: NamedFile;
  reason: string;
  /** What the operating system refused, if anything. If so, the bytes may be sound. */
  refusal: IoError | null;
  /** The sequence that it proves to have been acknowledged, even though it is damaged; 0 when it proves nothing. */
  proves: number;
}

/** The newest sound snapshot, and the newer ones that were not sound. */
export interface Restored {
  found: (SnapshotReading & { named: NamedFile }) | null;
  rotten: Rotten[];
}

/**
 * Reads snapshots, the newest first, until one is sound.
 *
 * @param id the journal they must belong to; `null` accepts any
 * @param options.atMost only snapshots of this sequence or an earlier one
 * @param options.pieceSize how much to read at once
 * @throws {TooNewError} when one was written by a newer version: using an older one would silently step back
 * @throws {IoError} when the operating system refuses for a reason other than the file itself: the snapshot may be fine
 */
export async function restoreNewest(
  fs: DurableFs,
  files: StateFiles,
  id: string | null,
  { atMost = Infinity, pieceSize }: { atMost?: number; pieceSize?: number } = {},
): Promise<Restored> {
  const rotten: Rotten[] = [];
  for (const named of files.snapshots.toReversed()) {
    if (named.sequence > atMost) continue;
    try {
      const reading = await readPatiently(() => readSnapshot(fs, named, pieceSize));
      if (id === null || reading.header.id === id) return { found: { ...reading, named }, rotten };
      rotten.push({ named, reason: "it belongs to another journal", refusal: null, proves: 0 });
    } catch (error) {
      if (!(error instanceof MinistateError) || error instanceof TooNewError) throw error;
      const refusal = error instanceof IoError ? error : null;
      if (refusal !== null && !isFilesOwn(refusal)) throw refusal;
      const proves = await provenBy(fs, named, id, error);
      rotten.push({ named, reason: error.message, refusal, proves });
    }
  }
  return { found: null, rotten };
}

/**
 * The sequence that an unusable snapshot still proves. It got its name only once everything up to that sequence was
 * synced. A journal that ends earlier has lost records, even though the snapshot can't restore them.
 */
export async function provenBy(
  fs: DurableFs,
  named: NamedFile,
  id: string | null,
  error: MinistateError,
): Promise<number> {
  // A directory or a link under this name, or a file that was never ours, is not a damaged snapshot.
  if (error instanceof IoError) return isUnreadable(error) ? named.sequence : 0;
  if (!(error instanceof CorruptionError)) return 0;
  let reading;
  try {
    reading = await readHeaderOf(fs, named, "snapshot");
  } catch (refusal) {
    if (!isUnreadable(refusal)) throw refusal;
    return named.sequence;
  }
  if (reading.kind !== "sound") return named.sequence;
  const header = reading.header as SnapshotHeader;
  // Even if it was renamed, it belongs to the sequence in its header.
  return id === null || header.id === id ? header.sequence : 0;
}
