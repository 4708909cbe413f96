/**
 * Everything that `open` does with the files: find the identity, start from a snapshot, scan, repair, continue.
 *
 * @module
 */

import { setRottenAside, setSupersededAside } from "./aside_unneeded.ts";
import { copyRange } from "../disk/copy_range.ts";
import { type Corruption, corruptionError, reasonOf } from "./corruption.ts";
import { coveredScan } from "./covered_scan.ts";
import { ioError, isDiskFull } from "../failures.ts";
import { readClock } from "../format/format.ts";
import { contestedError, type StoredIdentity } from "./identity.ts";
import {
  type BatchConsumer,
  type JournalScan,
  scanJournal,
  type SegmentEnd,
  UNBEGUN,
} from "./journal_scan.ts";
import { drawId, type JournalIdentity, segmentHeader } from "../journal/journal_identity.ts";
import { JournalWriter, type WriterSettings } from "../journal/journal_writer.ts";
import { newestTotals, WriteCounter } from "../wear/stats.ts";
import { editionOf } from "../disk/editions.ts";
import { type NamedFile, segmentFile, type StateFiles } from "../disk/names.ts";
import type { Batch } from "../format/scan.ts";
import type { JournalSettings } from "../options.ts";
import { keepTornTail, setJournalAside } from "./quarantine.ts";
import type { LostRecords, RecoveryReport, TornTail } from "./recovery_report.ts";
import { SegmentWriter } from "../journal/segment_writer.ts";
import type { Rotten } from "./snapshot_restore.ts";
import type { StateDirectory } from "../journal/state_directory.ts";
import { holdsState } from "../disk/state_presence.ts";
import type { WriteTotals } from "../format/write_totals.ts";

/** Where replay starts: after a snapshot, or at the beginning. */
export interface Base {
  sequence: number;
  snapshot: NamedFile | null;
  rotten: Rotten[];
}

/** Receives the records. */
export interface Replay {
  consume: BatchConsumer;
  /**
   * Called once all records were consumed, before anything is written. If it throws, recovery ends with the directory
   * unchanged.
   */
  settle?(): void;
}

/** The result of a recovery. */
export interface Recovered {
  report: RecoveryReport;
  files: StateFiles;
  id: string | null;
  /** `null` when opened for reading. */
  writer: JournalWriter | null;
  writeCounter: WriteCounter;
}

/**
 * Recovers a journal after `base`, passing every sound batch to `replay`, and makes it ready for writing. Anything in
 * the caller's program that can fail runs before the first change.
 *
 * @throws {CorruptionError} when acknowledged bytes are damaged and `onCorruption` is `"fail"`; nothing was changed
 */
export async function recover(
  directory: StateDirectory,
  settings: JournalSettings,
  files: StateFiles,
  stored: StoredIdentity | null,
  wanted: { name: string | null; version: number },
  base: Base,
  replay: Replay,
): Promise<Recovered> {
  if (stored?.contested && settings.onCorruption === "fail") throw contestedError(directory.path);
  const known = Math.max(0, ...base.rotten.map(({ proves }) => proves));
  const { fs } = directory;
  const id = stored?.id ?? null;
  const scanning = (note?: (batch: Batch) => void) =>
    scanJournal(fs, files, base.sequence, known, id, (batch, header) => {
      note?.(batch);
      replay.consume(batch, header);
    });
  const scan = settings.readOnly ? await coveredScan(fs, files, scanning) : await scanning();
  const refusal = base.rotten.find((snapshot) => snapshot.refusal !== null)?.refusal;
  // A snapshot that the disk can't read now may be readable next time, so don't declare everything lost because of it.
  if (scan.corruption?.index === -1 && refusal) throw refusal;
  if (scan.corruption !== null && settings.onCorruption === "fail") {
    throw corruptionError(scan.corruption);
  }
  replay.settle?.();
  const identity: JournalIdentity = {
    directory: directory.path,
    stem: directory.stem,
    edition: editionOf(files),
    id: stored?.id ?? drawId(),
    mutator: wanted.name,
    version: wanted.version,
  };
  const writeCounter = new WriteCounter(lifeTold(scan, stored), directory.written);
  const recovered: Recovered = {
    report: {
      created: !settings.readOnly && !holdsState(files),
      ...report(directory, scan, base, stored, wanted.version),
    },
    files,
    id: stored?.id ?? null,
    writer: null,
    writeCounter,
  };
  directory.files.belongTo(settings.readOnly ? recovered.id : identity.id);
  if (settings.readOnly) return reportOnly(recovered, scan);
  recovered.id = identity.id;
  const counted = { ...settings, fs: directory.fs, writeCounter };
  recovered.writer = await repair(directory, counted, files, identity, scan, recovered.report);
  await setRottenAside(directory, base.rotten, recovered.report, recovered.writer);
  const isTakenOver = recovered.writer.identity.edition > identity.edition;
  if (isTakenOver || files.superseded.length > 0) {
    await setSupersededAside(directory, recovered.report);
  }
  return recovered;
}

/** The lifetime write totals, according to the files. */
export function lifeTold(scan: JournalScan, stored: StoredIdentity | null): WriteTotals {
  return newestTotals([scan.written, stored?.written], scan.sequence + 1);
}

function report(
  directory: StateDirectory,
  scan: JournalScan,
  base: Base,
  stored: StoredIdentity | null,
  version: number,
): Omit<RecoveryReport, "created"> {
  return {
    snapshot: base.snapshot === null ? null : { path: base.snapshot.path, sequence: base.sequence },
    snapshotsSkipped: base.rotten.map(({ named, reason }) => ({
      path: named.path,
      sequence: named.sequence,
      reason,
    })),
    replayed: scan.sequence - base.sequence,
    sequence: scan.sequence,
    segmentsRead: scan.segmentsRead,
    sealed: scan.end?.sealed === true && scan.torn === null && scan.corruption === null,
    torn: unbegunTail(scan),
    lost: null,
    superseded: [],
    placeChecked: directory.placeChecked,
    lockFileDamage: directory.lockFileDamage,
    migratedFrom: stored !== null && stored.version !== version ? stored.version : null,
  };
}

/** Reports what a writer would do, and changes nothing. */
function reportOnly(recovered: Recovered, scan: JournalScan): Recovered {
  const { report } = recovered;
  if (scan.torn !== null && scan.end !== null) report.torn = tornTail(scan, scan.end, null);
  if (scan.corruption !== null) report.lost = lostWithoutChange(scan.corruption);
  report.superseded = recovered.files.superseded.map(({ path }) => path);
  return recovered;
}

/** An empty segment is reported as a tail of zero bytes: it can't be known any more whether it ever held a record. */
function unbegunTail({ unbegun, sequence }: JournalScan): TornTail | null {
  if (unbegun === null) return null;
  const { path } = unbegun;
  return { path, offset: 0, size: 0, sequence: sequence + 1, reason: UNBEGUN, keptAt: null };
}

function tornTail(scan: JournalScan, end: SegmentEnd, keptAt: string | null): TornTail {
  return {
    path: end.named.path,
    offset: end.soundEnd,
    size: end.writtenEnd - end.soundEnd,
    sequence: scan.sequence + 1,
    reason: scan.torn!.says,
    keptAt,
  };
}

function lostWithoutChange(corruption: Corruption): LostRecords {
  const { lost, path, offset } = corruption;
  return { ...lost, path, offset, reason: reasonOf(corruption), quarantined: [] };
}

/** Leaves the newest segment ready for the next batch, with everything before it synced. */
async function repair(
  directory: StateDirectory,
  settings: WriterSettings,
  files: StateFiles,
  identity: JournalIdentity,
  scan: JournalScan,
  report: RecoveryReport,
): Promise<JournalWriter> {
  const { fs } = directory;
  // Read before anything is changed: the clock is the caller's, and can throw.
  const now = readClock(settings.clock);
  let own = identity;
  const begin = async () => {
    const header = segmentHeader(own, scan.sequence + 1, now, settings.writeCounter.totals);
    // The directory first: if its name is lost, a record in it is lost as well.
    await directory.syncAncestors();
    return await SegmentWriter.create(
      fs,
      directory.path,
      segmentFile(own, header.first),
      header,
      false,
    );
  };
  await directory.removeTemporary(files);
  let segment = null as SegmentWriter | null;
  if (scan.corruption !== null) {
    const beginAnew = async (edition = own.edition) => {
      own = { ...own, edition };
      await segment?.close();
      segment = await begin();
      // Its name replaces others from now on. On FAT it leads to an empty file until this sync.
      if (edition > identity.edition) await segment.sync();
    };
    report.lost = await setJournalAside(directory, files, scan.corruption, beginAnew);
  } else if (scan.torn !== null) {
    report.torn = tornTail(scan, scan.end!, await keepTornTail(directory, scan.end!));
  }
  // Names that a killed process created may be in memory only. Recovery has relied on them, so make them durable.
  await directory.syncNames();
  segment ??= scan.end === null ? await begin() : await resume(directory, scan.end);
  const writer = new JournalWriter(own, settings, segment, scan.sequence, report.sealed);
  writer.sizeSinceSnapshot = scan.bytesRead;
  if (segment.header.version !== own.version) await beginVersion(writer);
  return writer;
}

/** Begins a segment for the records of a new version. On a full disk, the first mutation has to do it instead. */
async function beginVersion(writer: JournalWriter): Promise<void> {
  try {
    await writer.rotate();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

async function resume(directory: StateDirectory, end: SegmentEnd): Promise<SegmentWriter> {
  await unshare(directory, end);
  return await SegmentWriter.resume(directory.fs, end.named, end.header, end.seed, end);
}

/**
 * Replaces a segment that has several names by a copy of its sound part, so that a backup made of hard links keeps its
 * contents. On a full disk there is no room for a copy; new records then follow those that the backup has.
 */
async function unshare(directory: StateDirectory, { named, soundEnd }: SegmentEnd): Promise<void> {
  try {
    const { links } = await directory.fs.identity(named.path);
    if (links < 2) return;
    await copyRange(directory.fs, named.path, 0, soundEnd, named.path);
    await directory.fs.syncDirectory(directory.path);
  } catch (error) {
    if (!isDiskFull(error)) throw ioError("copy", named.path, error);
  }
}
