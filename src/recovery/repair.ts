/**
 * Carries a plan out: sets aside what can't be used, and leaves the newest segment ready for the next batch.
 *
 * @module
 */

import { copyRange } from "../disk/copy_range.ts";
import { inEdition } from "../disk/editions.ts";
import { segmentFile } from "../disk/names.ts";
import { ioError, isDiskFull } from "../failures.ts";
import type { Beginning } from "../format/encode.ts";
import { readClock } from "../format/format.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import type { JournalIdentity } from "../journal/journal_identity.ts";
import { JournalWriter } from "../journal/journal_writer.ts";
import { segmentBeginning } from "../journal/segment_beginning.ts";
import type { WriterSettings } from "../journal/writer_settings.ts";
import { SegmentWriter } from "../journal/segment_writer.ts";
import type { StateDirectory } from "../journal/state_directory.ts";
import { setSupersededAside, setUnusableAside } from "./aside_unneeded.ts";
import type { Plan } from "./plan.ts";
import { keepTornTail, lostRecords, type SetAside, setJournalAside } from "./quarantine.ts";
import type { RecoveryReport } from "./report.ts";
import type { ReadSegment } from "./segment_facts.ts";
import { isUsable, skippedSnapshot, type SnapshotFacts } from "./snapshot_facts.ts";
import type { Survey } from "./survey.ts";

/** The part of the report that says what was done. */
type Done = Pick<RecoveryReport, "torn" | "lost" | "snapshotsSkipped" | "superseded">;

/** What {@linkcode repair} would do, for an open that changes nothing. */
export function foreseen(survey: Survey, { torn, corruption }: Plan): Done {
  return {
    torn,
    lost: corruption && lostRecords(corruption, []),
    snapshotsSkipped: unusableSnapshots(survey).map(skippedSnapshot),
    superseded: survey.files.superseded.map(({ path }) => path),
  };
}

/**
 * Leaves the newest segment ready for the next batch, with everything before it synced, and moves away what is no
 * longer needed.
 *
 * @param identity what the files of the journal have in common
 */
export async function repair(
  directory: StateDirectory,
  settings: WriterSettings,
  survey: Survey,
  plan: Plan & { refused: readonly SequenceSpan[] | null },
  identity: JournalIdentity,
): Promise<Done & { writer: JournalWriter }> {
  const { files } = survey;
  const { torn, corruption, end, sequence, refused } = plan;
  // Read before anything is changed: the clock is the caller's, and can throw.
  const now = readClock(settings.clock);
  const begin = async (edition = identity.edition) => {
    const own = inEdition(identity, edition);
    const beginning = segmentBeginning(own, sequence + 1, plan, now, settings);
    const segment = await beginSegment(directory, own, beginning);
    // On FAT, its name leads to an empty file until this sync. No snapshot may be durable before what it lists.
    if (refused !== null && refused.length > 0) await segment.sync();
    return segment;
  };
  await directory.removeTemporary(files);
  let aside: SetAside | null = null;
  let keptAt: string | null = null;
  if (corruption !== null) {
    aside = await setJournalAside(directory, files, corruption, async (edition) => {
      const segment = await begin(edition);
      // Its name replaces others from now on. On FAT it leads to an empty file until this sync.
      if (edition !== undefined) await segment.sync();
      return segment;
    });
  } else if (torn !== null && end !== null) {
    keptAt = await keepTornTail(directory, end);
  }
  // Names that a killed process created may be in memory only. Recovery has relied on them, so make them durable.
  await directory.syncNames();
  const begun = aside?.segment ?? (end === null ? await begin() : null);
  const segment = begun ?? await resume(directory, end!);
  const own = inEdition(identity, Math.max(identity.edition, segment.file.edition));
  // A fresh segment lists them.
  const isListed = begun !== null || end!.refused !== null;
  const journalEnd = { ...plan, isListed };
  const writer = new JournalWriter(own, settings, segment, journalEnd);
  if (segment.header.version !== own.version) await beginVersion(writer);
  const skipped = unusableSnapshots(survey);
  const paths = await setUnusableAside(directory, skipped, writer);
  const isTakenOver = writer.identity.edition > identity.edition;
  const { moved, stuck } = isTakenOver || files.superseded.length > 0
    ? await setSupersededAside(directory)
    : { moved: [], stuck: [] };
  const lost = aside?.lost ?? null;
  return {
    writer,
    torn: torn && { ...torn, keptAt },
    lost: lost && { ...lost, quarantined: [...lost.quarantined, ...moved] },
    snapshotsSkipped: skipped.map((snapshot, i) => ({
      ...skippedSnapshot(snapshot),
      path: paths[i]!,
    })),
    superseded: stuck,
  };
}

/** Those newer than the snapshot that replay started from, the newest first. */
function unusableSnapshots({ snapshots, identity }: Survey): SnapshotFacts[] {
  const id = identity?.id ?? null;
  return snapshots.filter((snapshot) => !isUsable(snapshot, id)).toReversed();
}

async function beginSegment(
  directory: StateDirectory,
  identity: JournalIdentity,
  beginning: Beginning,
): Promise<SegmentWriter> {
  // The directory first: if its name is lost, a record in it is lost as well.
  await directory.syncAncestors();
  const file = segmentFile(identity, beginning.header.first);
  return await SegmentWriter.create(directory.fs, directory.path, file, beginning, false);
}

/** Begins a segment for the records of a new version. On a full disk, the first mutation has to do it instead. */
async function beginVersion(writer: JournalWriter): Promise<void> {
  try {
    await writer.rotate();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

async function resume(directory: StateDirectory, end: ReadSegment): Promise<SegmentWriter> {
  await unshare(directory, end);
  return await SegmentWriter.resume(directory.fs, end.file, end.header, end.seed, end);
}

/**
 * Replaces a segment that has several names by a copy of its sound part, so that a backup made of hard links keeps its
 * contents. On a full disk there is no room for a copy; new records then follow those that the backup has.
 */
async function unshare(directory: StateDirectory, { file, soundEnd }: ReadSegment): Promise<void> {
  try {
    const { links } = await directory.fs.identity(file.path);
    if (links < 2) return;
    await copyRange(directory.fs, file.path, 0, soundEnd, file.path);
    await directory.fs.syncDirectory(directory.path);
  } catch (error) {
    if (!isDiskFull(error)) throw ioError("copy", file.path, error);
  }
}
