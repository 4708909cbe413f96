/**
 * Everything `open` does with the files: find the identity, start from a snapshot, scan, repair, go on.
 *
 * @module
 */

import { type Corruption, corruptionError } from "./corruption.ts";
import type { DurableFs } from "../durable_fs.ts";
import { isDiskFull, MinistateError } from "../errors.ts";
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
import { Ledger, newestLife } from "../ledger.ts";
import { type NamedFile, segmentFile, type StateFiles } from "../format/names.ts";
import type { JournalSettings } from "../options.ts";
import { keepTornTail, setJournalAside, setSnapshotAside } from "./quarantine.ts";
import type { LostRecords, RecoveryReport, TornTail } from "./recovery_report.ts";
import { SegmentWriter } from "../journal/segment_writer.ts";
import type { Rotten } from "../snapshot/snapshot_restore.ts";
import type { StateDirectory } from "../state_directory.ts";
import type { Life } from "../traffic.ts";

/** Where replay starts: behind a snapshot, or at the beginning. */
export interface Base {
  sequence: number;
  snapshot: NamedFile | null;
  rotten: Rotten[];
}

/** What recovery came to. */
export interface Recovered {
  report: RecoveryReport;
  files: StateFiles;
  id: string | null;
  /** `null` when opened for reading. */
  writer: JournalWriter | null;
  ledger: Ledger;
}

/**
 * Recovers a journal behind `base`, giving every sound batch to `consume`, and makes it ready to be written.
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
  consume: BatchConsumer,
): Promise<Recovered> {
  if (stored?.contested && settings.onCorruption === "fail") throw contestedError(directory.path);
  const known = Math.max(0, ...base.rotten.map(({ proves }) => proves));
  const scan = await scanJournal(
    directory.fs,
    files,
    base.sequence,
    known,
    stored?.id ?? null,
    consume,
  );
  const refusal = base.rotten.find((snapshot) => snapshot.refusal !== null)?.refusal;
  // A snapshot that the disk would not give now may be sound the next time: not everything is declared lost over it.
  if (scan.corruption?.index === -1 && refusal) throw refusal;
  if (scan.corruption !== null && settings.onCorruption === "fail") {
    throw corruptionError(scan.corruption);
  }
  const identity: JournalIdentity = {
    directory: directory.path,
    stem: directory.stem,
    id: stored?.id ?? drawId(),
    mutator: wanted.name,
    version: wanted.version,
  };
  const ledger = new Ledger(lifeTold(scan, stored), directory.traffic);
  const recovered: Recovered = {
    report: report(scan, base, stored, wanted.version),
    files,
    id: stored?.id ?? null,
    writer: null,
    ledger,
  };
  if (settings.readOnly) return reportOnly(recovered, scan);
  recovered.id = identity.id;
  const counted = { ...settings, fs: directory.fs, ledger };
  recovered.writer = await repair(directory, counted, files, identity, scan, recovered.report);
  await setRottenAside(directory, base.rotten, recovered.report);
  return recovered;
}

/** What the files tell of what was written. */
export function lifeTold(scan: JournalScan, stored: StoredIdentity | null): Life {
  return newestLife([scan.written, stored?.written], scan.sequence + 1);
}

function report(
  scan: JournalScan,
  base: Base,
  stored: StoredIdentity | null,
  version: number,
): RecoveryReport {
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
    migratedFrom: stored !== null && stored.version !== version ? stored.version : null,
  };
}

/** Says what a writer would do, and does nothing. */
function reportOnly(recovered: Recovered, scan: JournalScan): Recovered {
  const { report } = recovered;
  if (scan.torn !== null && scan.end !== null) report.torn = tornTail(scan, scan.end, null);
  if (scan.corruption !== null) report.lost = lostWithoutChange(scan.corruption);
  return recovered;
}

/** An empty segment is reported as a tail of no bytes: nobody can tell any more that it never held a record. */
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
  const { lost, path, offset, says } = corruption;
  return { ...lost, path, offset, reason: says, quarantined: [] };
}

/** Leaves the newest segment ready for the next batch, everything before it synced. */
async function repair(
  directory: StateDirectory,
  settings: WriterSettings,
  files: StateFiles,
  identity: JournalIdentity,
  scan: JournalScan,
  report: RecoveryReport,
): Promise<JournalWriter> {
  const { fs } = directory;
  const begin = async () => {
    const { clock, ledger } = settings;
    const header = segmentHeader(identity, scan.sequence + 1, readClock(clock), ledger.life);
    // Its directory first: a record in a directory whose own name is lost is lost with it.
    await directory.syncAncestors();
    return await SegmentWriter.create(
      fs,
      directory.path,
      segmentFile(identity, header.first),
      header,
    );
  };
  await directory.removeTemporary(files);
  let segment = null as SegmentWriter | null;
  if (scan.corruption !== null) {
    const beginAnew = async () => {
      segment = await begin();
    };
    report.lost = await setJournalAside(directory, files, scan.corruption, beginAnew);
  } else if (scan.torn !== null) {
    report.torn = tornTail(scan, scan.end!, await keepTornTail(directory, scan.end!));
  }
  // Names that a killed process made may be in memory only; they have been relied on, so make them durable.
  await directory.syncNames();
  segment ??= scan.end === null ? await begin() : await resume(fs, scan.end);
  const writer = new JournalWriter(identity, settings, segment, scan.sequence, report.sealed);
  writer.sizeSinceSnapshot = scan.bytesRead;
  if (segment.header.version !== identity.version) await beginVersion(writer);
  return writer;
}

/** Begins a segment for the records of a new version; on a full disk the first mutation has to. */
async function beginVersion(writer: JournalWriter): Promise<void> {
  try {
    await writer.rotate();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function resume(fs: DurableFs, end: SegmentEnd): Promise<SegmentWriter> {
  return SegmentWriter.resume(fs, end.named, end.header, end.seed, end);
}

async function setRottenAside(
  directory: StateDirectory,
  rotten: Rotten[],
  report: RecoveryReport,
): Promise<void> {
  for (const [index, { named }] of rotten.entries()) {
    try {
      report.snapshotsSkipped[index]!.path = await setSnapshotAside(directory, named);
    } catch (error) {
      // Were it readable the next time, it would stand for sequences that are given out again.
      if (!(error instanceof MinistateError) || named.sequence > report.sequence) throw error;
    }
  }
}
