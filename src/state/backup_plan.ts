/**
 * Decides which files of a state directory make a complete backup. Reads all of them before any is copied.
 *
 * @module
 */

import { coverLast } from "../recovery/cover_last.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError } from "../errors.ts";
import { type Crc32, encodeSeal } from "../format/encode.ts";
import type { ReadLimit } from "../journal/journal_cursor.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { segmentOfOtherHistory } from "../journal/other_history.ts";
import { firstNeeded, judgeTail } from "../recovery/plan.ts";
import type { ReadSegment, SegmentFacts } from "../recovery/segment_facts.ts";
import { continuesOther } from "../recovery/segment_history.ts";
import { isUsable } from "../recovery/snapshot_facts.ts";
import { isDisputed } from "../recovery/stray_snapshots.ts";
import { type Survey, surveyAll } from "../recovery/survey.ts";

/** One file to copy. */
export interface Copy {
  file: NamedFile;
  /** How much of the file to copy; `Infinity` for all of it. */
  size: number;
}

/** What to copy, in this order. */
export interface CopyPlan {
  copies: Copy[];
  /** The last sequence in them. */
  sequence: number;
  /** The segment whose copy ends with lines of its own; `null` if none needs any. */
  ending: CopyEnding | null;
}

/** The last lines of a copy, such as a seal, which says what the source's next line would say. */
export interface CopyEnding {
  file: NamedFile;
  bytes: Uint8Array;
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
): Promise<CopyPlan> {
  // Begun after the end was determined: its records are for the next backup.
  const isLater = (file: NamedFile) => limit !== null && file.sequence > limit.segmentFirst;
  const segments = files.segments.filter((file) => !isLater(file));
  const survey = await surveyAll(fs, { ...files, segments }, {
    build: false,
    limitOf: ({ path }) => path === limit?.path ? limit.offset : undefined,
  });
  const plan = { ...copiesOf(survey, id, limit), ending: sealOf(survey, limit, fs.crc32) };
  const last = survey.segments.at(-1);
  if (limit === null && last?.failure === null) await coverLast(fs, files, last);
  return plan;
}

/** Pure: the survey decides. */
function copiesOf(
  survey: Survey,
  id: string | null,
  limit: ReadLimit | null,
): Omit<CopyPlan, "ending"> {
  const { segments } = survey.files;
  const snapshots = survey.snapshots
    .filter((snapshot) => isUsable(snapshot, id) && !isDisputed(survey, snapshot))
    .map(({ file }) => file);
  const needed = snapshots[0]?.sequence ?? 0;
  const first = firstNeeded(segments, needed);
  let copies: Copy[] = [];
  let sequence = snapshots.at(-1)?.sequence ?? 0;
  for (const [index, facts] of survey.segments.filter((facts) => facts !== null).entries()) {
    const next = segments[index + 1];
    const isOther = facts.failure === null &&
      continuesOther(facts, survey.segments[index - 1] ?? null);
    if (isOther) {
      if (index > first) throw segmentOfOtherHistory(facts.file, facts.header.first);
      // What comes before it belongs to another journal or is no longer known, and it isn't needed.
      copies = [];
    }
    if (isWhole(facts, next, id, limit)) {
      copies.unshift({ file: facts.file, size: facts.soundEnd });
      sequence = Math.max(sequence, facts.sequenceNext - 1);
    } else if (next !== undefined || !isNeverBegun(facts)) {
      if (index >= first) throw whyNot(facts);
      // Left by an interrupted compaction of a journal that no snapshot needs, or unreadable.
      copies = [];
    }
  }
  // Snapshots without a segment can't be opened.
  const last = survey.segments.at(-1);
  if (copies.length === 0 && snapshots.length > 0 && last) throw whyNot(last);
  const oldest = copies.at(-1)?.file;
  if (oldest !== undefined && oldest.sequence > needed + 1) throw incomplete(oldest, needed);
  for (const file of snapshots) copies.push({ file, size: Infinity });
  return { copies, sequence };
}

/** Outcomes that only the writer knows so far must not be lost: a later version of the program may decide otherwise. */
function sealOf(
  { segments }: Survey,
  limit: ReadLimit | null,
  crc32: Crc32,
): CopyEnding | null {
  const last = segments.at(-1);
  if (!last || last.failure !== null || last.sealed || limit === null) return null;
  const refused = limit.refused === null || limit.refused.length === 0 ? undefined : limit.refused;
  return {
    file: last.file,
    bytes: encodeSeal({ sequence: limit.sequence, refused }, crc32, last.seed),
  };
}

/** Created when the power was cut, and never begun: it holds nothing. */
function isNeverBegun(facts: SegmentFacts): boolean {
  return facts.failure !== null && facts.isEmpty;
}

/** Whether a segment holds every record it must hold. */
function isWhole(
  facts: SegmentFacts,
  next: NamedFile | undefined,
  id: string | null,
  limit: ReadLimit | null,
): facts is ReadSegment {
  if (facts.failure !== null || id !== null && facts.header.id !== id) return false;
  if (facts.initialFailure !== null) return false;
  // Bytes after the last record before the next segment are not copied, so damage there doesn't matter.
  if (next !== undefined) return facts.sequenceNext === next.sequence;
  if (limit !== null) return facts.sequenceNext === limit.sequence + 1;
  // A batch that is being written looks torn; acknowledged bytes never do.
  return ["sound", "unproven"].includes(judgeTail(facts));
}

function whyNot(facts: SegmentFacts): Error {
  const failure = facts.failure ?? facts.initialFailure;
  if (failure !== null || facts.failure !== null) return failure!;
  return facts.damage === null && facts.unreadable !== null ? facts.unreadable : damaged(facts);
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

function damaged({ file: { path }, damage, soundEnd, sequenceNext }: ReadSegment): CorruptionError {
  const offset = damage?.offset ?? soundEnd;
  return new CorruptionError(
    `Cannot back up "${path}": it is damaged at offset ${offset}: run "ministate verify" to see what is affected`,
    {
      path,
      offset,
      sequence: sequenceNext,
      lost: { sequenceFirst: sequenceNext, sequenceLast: null },
    },
  );
}
