/**
 * Reads every byte of a state directory's files and reports what is there, what is damaged, and what the next open
 * would do. Needs no mutator and no lock, and changes nothing.
 *
 * @module
 */

import { reasonOf } from "./corruption.ts";
import { coveredScan } from "./covered_scan.ts";
import type { DurableFs } from "../durable_fs.ts";
import type { MinistateError } from "../errors.ts";
import { nextOpenOf, verdictOf } from "./foreseen.ts";
import type { Finding, Inspection, SegmentInspection, SnapshotInspection } from "./inspection.ts";
import { type JournalScan, judgeTail, scanJournal, UNBEGUN } from "./journal_scan.ts";
import { listState } from "../disk/list_state.ts";
import { joinPath, type NamedFile, type StateFiles, stemOf } from "../disk/names.ts";
import { scanAftermath } from "./proof_scan.ts";
import { CONTESTED, readIdentity, type StoredIdentity } from "./identity.ts";
import { flawOf, placeOfFlaw } from "./flaw.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { endsUnsound, readWhatIsSound } from "./read_sound.ts";
import { readPatiently } from "../disk/refusals.ts";
import { readSnapshot } from "../snapshot/snapshot_file.ts";
import { provenBy } from "./snapshot_restore.ts";
import { lifeTold } from "./recovery.ts";
import { listQuarantine, sizeIfReadable, sizesOf, stuckFindings } from "./spare_files.ts";
import { type TimedSegment, wearOf } from "../wear/inspection.ts";

/** An inspected segment, with what else the verdict needs. */
interface ReadSegment {
  told: SegmentInspection;
  path: string;
  flaw: string | null;
  /** Whether the bytes after the damage prove that the damaged bytes had been acknowledged. */
  proven: boolean;
  /** Its header and times; `null` when the header can't be read. */
  timed: TimedSegment | null;
}

/**
 * Inspects a state directory. With a live writer, files may change during the inspection. It may then report something
 * that a second read does not confirm, or fail with `IO_FAILED` (`ENOENT`): read again before believing it.
 *
 * @param journal the journal's name, as `open` takes it
 * @throws {TooNewError} when a newer version wrote one of the files
 * @throws {ForeignFormatError} when the directory holds another journal
 * @throws {IoError} when the operating system refuses a read for a reason other than the file itself
 */
export async function inspectState(
  fs: DurableFs,
  directory: string,
  journal: string,
): Promise<Inspection> {
  const files = await listState(fs, directory, stemOf(journal));
  const stored = await readIdentity(fs, files);
  const snapshots: SnapshotInspection[] = [];
  let known = 0;
  for (const named of files.snapshots) {
    const { told, proves } = await readOneSnapshot(fs, named, stored?.id ?? null);
    snapshots.push(told);
    known = Math.max(known, proves);
  }
  const segments: ReadSegment[] = [];
  for (const named of files.segments) segments.push(await readSegment(fs, named));
  const base = snapshots.findLast((snapshot) => snapshot.flaw === null) ?? null;
  const scan = await coveredScan(
    fs,
    files,
    (note) => scanJournal(fs, files, base?.sequence ?? 0, known, stored?.id ?? null, note),
  );
  const findings = [
    ...contestedFindings(directory, stored),
    ...snapshotFindings(files, snapshots, base),
    ...scanFindings(scan),
    ...segmentFindings(segments, base?.sequence ?? 0, scan),
    ...supersededFindings(files),
    ...await stuckFindings(fs, directory),
  ];
  return {
    directory,
    journal,
    ...identityOf(stored),
    segments: segments.map(({ told }) => told),
    snapshots,
    written: wearOf(lifeTold(scan, stored), stored?.id, segments.map(({ timed }) => timed)),
    quarantine: await listQuarantine(fs, directory),
    temporary: await sizesOf(fs, files.temporary),
    findings,
    verdict: verdictOf(findings),
    nextOpen: nextOpenOf(scan, base, stored?.contested === true),
  };
}

function contestedFindings(directory: string, stored: StoredIdentity | null): Finding[] {
  if (stored?.contested !== true) return [];
  return [{
    severity: "corrupt",
    path: directory,
    offset: null,
    sequence: null,
    sequenceLast: null,
    reason: CONTESTED,
    needed: true,
  }];
}

function identityOf(
  stored: StoredIdentity | null,
): Pick<Inspection, "id" | "mutator" | "version"> {
  return {
    id: stored?.id ?? null,
    mutator: stored?.mutator ?? null,
    version: stored?.version ?? null,
  };
}

async function readOneSnapshot(
  fs: DurableFs,
  named: NamedFile,
  id: string | null,
): Promise<{ told: SnapshotInspection; proves: number }> {
  const { name, sequence } = named;
  const size = await sizeIfReadable(fs, named.path);
  try {
    const { header } = await readPatiently(() => readSnapshot(fs, named));
    const flaw = id === null || header.id === id ? null : "it belongs to another journal";
    return { told: { name, size, sequence, version: header.version, flaw }, proves: 0 };
  } catch (error) {
    const told = { name, size, sequence, version: null, flaw: flawOf(error) };
    return { told, proves: await provenBy(fs, named, id, error as MinistateError) };
  }
}

async function readSegment(fs: DurableFs, named: NamedFile): Promise<ReadSegment> {
  const { name, path, sequence } = named;
  const told: SegmentInspection = {
    name,
    size: await sizeIfReadable(fs, path),
    soundSize: 0,
    sequenceFirst: sequence,
    sequenceLast: sequence - 1,
    sealed: false,
    mutator: null,
    version: null,
    damagedAt: null,
  };
  let reader: SegmentReader;
  try {
    reader = await readPatiently(() => SegmentReader.open(fs, named));
  } catch (error) {
    const flaw = flawOf(error);
    return { told: { ...told, damagedAt: 0 }, path, flaw, proven: true, timed: null };
  }
  try {
    const timed = { header: reader.header, timestampLast: reader.header.timestamp };
    await readWhatIsSound(reader, ({ timestamp }) => timed.timestampLast = timestamp);
    told.soundSize = reader.soundEnd;
    told.sequenceLast = reader.expected - 1;
    told.sealed = reader.sealed;
    told.mutator = reader.header.mutator;
    told.version = reader.header.version;
    if (!endsUnsound(reader)) return { told, path, flaw: null, proven: false, timed };
    const tail = judgeTail(reader, await scanAftermath(reader, reader.soundEnd, fs.crc32));
    const { flaw, offset } = placeOfFlaw(reader);
    told.damagedAt = offset;
    return { told, path, flaw, proven: tail !== "unproven", timed };
  } finally {
    await reader.close();
  }
}

function snapshotFindings(
  files: StateFiles,
  snapshots: SnapshotInspection[],
  base: SnapshotInspection | null,
): Finding[] {
  return snapshots.filter(({ flaw }) => flaw !== null).map(({ name, sequence, flaw }) => {
    const newer = base === null || sequence > base.sequence;
    const instead = base === null
      ? "the journal from its beginning"
      : `"${base.name}" and the journal`;
    return {
      severity: "corrupt",
      path: joinPath(files.directory, name),
      offset: null,
      sequence,
      sequenceLast: sequence,
      reason: `${flaw}: the snapshot is not used; it is replaced by ${
        newer ? instead : "a newer one"
      }`,
      needed: false,
    };
  });
}

function scanFindings({ corruption, torn, end, unbegun, sequence }: JournalScan): Finding[] {
  if (corruption !== null) {
    const { path, offset, lost } = corruption;
    return [{
      severity: "corrupt",
      path,
      offset: corruption.index < 0 ? null : offset,
      sequence: lost.sequenceFirst,
      sequenceLast: lost.sequenceLast,
      reason: reasonOf(corruption),
      needed: true,
    }];
  }
  const tornAt = (path: string, offset: number, reason: string): Finding => ({
    severity: "torn",
    path,
    offset,
    sequence: sequence + 1,
    sequenceLast: null,
    reason,
    needed: false,
  });
  if (unbegun !== null) return [tornAt(unbegun.path, 0, UNBEGUN)];
  if (torn === null || end === null) return [];
  return [tornAt(end.named.path, end.soundEnd, torn.says)];
}

/** Files that an earlier open could not move away. */
function supersededFindings({ superseded }: StateFiles): Finding[] {
  return superseded.map(({ path, sequence }) => ({
    severity: "corrupt",
    path,
    offset: null,
    sequence,
    sequenceLast: null,
    reason:
      "a file of a later edition has replaced it; the next open tries to move it away; run fsck if it stays",
    needed: false,
  }));
}

/** What is wrong with segments that the next open does not read. */
function segmentFindings(segments: ReadSegment[], base: number, scan: JournalScan): Finding[] {
  const findings: Finding[] = [];
  const reported = scan.corruption?.path ??
    (scan.torn === null ? scan.unbegun?.path : scan.end?.named.path);
  for (const [i, { told, path, flaw, proven }] of segments.entries()) {
    const next = segments[i + 1]?.told;
    const needed = next === undefined || next.sequenceFirst > base + 1;
    if (path === reported) continue;
    if (flaw !== null) {
      const torn = next === undefined && !proven;
      findings.push({
        severity: torn ? "torn" : "corrupt",
        path,
        offset: told.damagedAt,
        sequence: told.sequenceLast + 1,
        sequenceLast: next === undefined ? null : next.sequenceFirst - 1,
        reason: needed ? flaw : `${flaw}; newer snapshots make it unneeded`,
        needed: needed && !torn,
      });
    } else if (next !== undefined && next.sequenceFirst !== told.sequenceLast + 1 && !needed) {
      findings.push({
        severity: "notice",
        path,
        offset: null,
        sequence: told.sequenceLast + 1,
        sequenceLast: next.sequenceFirst - 1,
        reason:
          "the segment after it is gone; a snapshot replaces it (a compaction was interrupted)",
        needed: false,
      });
    }
  }
  return findings;
}
