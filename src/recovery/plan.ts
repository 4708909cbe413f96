/**
 * Decides from a survey what an open keeps, what it cuts, and what can no longer be proven. Pure.
 *
 * @module
 */

import type { NamedFile } from "../disk/names.ts";
import { CorruptionError } from "../errors.ts";
import type { CompactionFailure } from "../format/compaction_failure.ts";
import { TORN_SIZE_MAX } from "../format/format.ts";
import type { WriteTotals } from "../format/write_totals.ts";
import type { StoredIdentity } from "./identity.ts";
import { newestTotals } from "../wear/stats.ts";
import { type Corruption, damagedSegment, missingJournal, unusableSegment } from "./corruption.ts";
import { decide, type Reach, type Row, type Tail, type Verdict } from "./recovery_table.ts";
import type { TornTail } from "./report.ts";
import type { ReadSegment, SegmentFacts } from "./segment_facts.ts";
import { isOfOtherHistory } from "./segment_history.ts";
import type { ReplayStart, Survey, SurveyBasis } from "./survey.ts";

/** What to do with a state directory. */
export interface Plan {
  start: ReplayStart;
  /** The highest sequence up to which everything is sound. */
  sequence: number;
  /** The checksum of the batch that ends there; `null` when it is not known. */
  checksum: number | null;
  segmentsRead: number;
  /** The size of what was read and is sound, in bytes. */
  bytesRead: number;
  /** Whether the journal ends with a seal, as after a clean close. */
  sealed: boolean;
  /** What the directory has written over its lifetime. */
  written: WriteTotals;
  /** Why the last compaction failed, as far as the journal records it; `null` when a later snapshot was written. */
  compactionFailure: CompactionFailure | null;
  /** The segment that is continued; `null` when a new one is begun. */
  end: ReadSegment | null;
  /** The tail to cut. With no `end`, it is that of an empty segment, which a new one replaces. */
  torn: TornTail | null;
  /** Damage that a power cut can't explain. Everything from there on must be set aside. */
  corruption: Corruption | null;
}

/** What one segment means for the journal. */
export interface Judgement {
  /** `unbegun`: it is empty and may never have been begun. */
  verdict: Verdict | "unbegun";
  /** The highest sequence up to which everything is sound. */
  sequence: number;
  /** The row of the recovery table; `null` when its first line can't be used. */
  row: Row | null;
}

/** Why an empty segment does not count as damage. */
export const UNBEGUN =
  "it is empty: the power was cut just after it got its name, which on FAT leaves it empty";

/**
 * The position of the newest segment that begins at or before the record after `sequence`, or -1. A state that starts
 * there needs no earlier one.
 */
export function firstNeeded(segments: NamedFile[], sequence: number): number {
  return segments.findLastIndex((segment) => segment.sequence <= sequence + 1);
}

/** Makes the plan. */
export function planOf(survey: Survey): Plan {
  const { start, identity } = survey;
  const judged = judgeNeeded(survey);
  const last = judged.at(-1);
  const sequence = last?.judgement.sequence ?? start.sequence;
  // A segment of another journal or history has no row: nothing in it counts.
  const read = judged.filter(({ judgement }) => judgement.row !== null)
    .map(({ facts }) => facts as ReadSegment);
  const corruption = corruptionIn(survey, judged);
  const end = last === undefined || last.facts.failure !== null ? null : last.facts;
  return {
    start,
    sequence,
    checksum: checksumAt(sequence, start, read),
    segmentsRead: read.length,
    bytesRead: read.reduce((size, { soundEnd }) => size + soundEnd, 0),
    sealed: last?.judgement.verdict === "open" && end!.sealed,
    written: newestTotals([read.at(-1)?.written, identity?.written], sequence + 1),
    compactionFailure: failureSince(start, read.at(-1)),
    // A damaged segment without a sound part can't be continued.
    end: corruption !== null && corruption.soundEnd === null ? null : end,
    torn: last === undefined ? null : tornTail(last),
    corruption,
  };
}

/** A failure is over once there is a snapshot of a later sequence. */
function failureSince(start: ReplayStart, last: ReadSegment | undefined): CompactionFailure | null {
  const failure = last?.compactionFailure ?? null;
  return failure !== null && failure.sequence < start.sequence ? null : failure;
}

/**
 * The checksum of the batch that ends with `sequence`, from the last segment that ends there. If none does, replay has
 * come no further than its start.
 */
function checksumAt(
  sequence: number,
  start: ReplayStart,
  read: readonly ReadSegment[],
): number | null {
  const last = read.findLast(({ sequenceNext }) => sequenceNext === sequence + 1);
  return (last ?? start).checksum;
}

interface Judged {
  index: number;
  facts: SegmentFacts;
  judgement: Judgement;
}

/** The highest sequence up to which everything is sound. */
export function sequenceReached(survey: Survey): number {
  return judgeNeeded(survey).at(-1)?.judgement.sequence ?? survey.start.sequence;
}

/** Judges the needed segments in order, up to the first damage. */
function judgeNeeded(survey: Survey): Judged[] {
  const { files, start, segments } = survey;
  const first = firstNeeded(files.segments, start.sequence);
  const judged: Judged[] = [];
  let { sequence } = start;
  for (let index = first; first >= 0 && index < segments.length; index++) {
    const facts = segments[index]!;
    const [before = null, next] = [segments[index - 1], files.segments[index + 1]];
    const judgement = judge(survey, { before, facts, next }, sequence);
    judged.push({ index, facts, judgement });
    if (judgement.verdict === "corrupt") break;
    sequence = judgement.sequence;
  }
  return judged;
}

/** Whether a segment is another journal's, or was written by a version of the mutator that doesn't count. */
export function isStrange(facts: SegmentFacts, identity: StoredIdentity | null): boolean {
  if (facts.failure !== null || identity === null) return false;
  return facts.header.id !== identity.id || facts.header.version > identity.versionMax;
}

/** One segment that was read, and those around it. */
interface Surrounded {
  /** The segment before it; `null` when there is none, or when it was not read. */
  before: SegmentFacts | null;
  facts: SegmentFacts;
  next: NamedFile | undefined;
}

/**
 * Judges one segment that was read.
 *
 * @param sequence the highest sequence up to which everything before it is sound
 */
export function judge(
  basis: SurveyBasis,
  { before, facts, next }: Surrounded,
  sequence: number,
): Judgement {
  const { identity, start, proven } = basis;
  if (facts.failure !== null) {
    // Created but never begun: everything before it is there, and nothing suggests that it held a record.
    const isNext = facts.file.sequence === Math.max(start.sequence, proven, sequence) + 1;
    const isDamage = facts.failure instanceof CorruptionError;
    const isUnbegun = isDamage && next === undefined && isNext && facts.isEmpty;
    return { verdict: isUnbegun ? "unbegun" : "corrupt", sequence, row: null };
  }
  const isOther = isOfOtherHistory(basis, facts, before);
  if (isStrange(facts, identity) || isOther || lacksInitial(facts, start)) {
    return { verdict: "corrupt", sequence, row: null };
  }
  const row = rowOf(facts, next, Math.max(start.sequence, proven));
  const reached = Math.max(start.sequence, facts.sequenceNext - 1);
  return { verdict: row.verdict, sequence: reached, row };
}

/**
 * Whether an initial state that can't be used is needed, or hides something: lines are missing there, so that batches
 * stand where it should be.
 */
export function lacksInitial(facts: ReadSegment, { snapshot }: ReplayStart): boolean {
  const { initialFailure, initialEvidence: found, initialEnd, batchLast } = facts;
  if (snapshot === null) return initialFailure !== null;
  if (found === null || batchLast !== null) return false;
  return found.exhausted || found.proof !== null && found.proof.offset < initialEnd;
}

/** Determines the three facts about a segment that was read, and the table row that they select. */
function rowOf(facts: ReadSegment, next: NamedFile | undefined, snapshotted: number): Row {
  const { sequenceNext } = facts;
  const target = next === undefined ? snapshotted + 1 : next.sequence;
  const reach: Reach = sequenceNext < target ? "short" : sequenceNext > target ? "beyond" : "meets";
  return decide(next === undefined ? "last" : "inner", judgeTail(facts), reach);
}

/** What a segment that was read ends with. */
export function judgeTail({ evidence, damage, unreadable, soundEnd }: ReadSegment): Tail {
  if (evidence === null) return "sound";
  // A batch that repeats sequences has a correct checksum. No power cut writes such a batch.
  if (damage?.reason === "repeated") return "proven";
  // No unacknowledged write of ours is this large.
  const overlong = evidence.writtenEnd - soundEnd > TORN_SIZE_MAX;
  if (evidence.proof !== null || evidence.exhausted) return "proven";
  // The unreadable bytes could contain the proof.
  if (unreadable !== null) return "unreadable";
  return overlong ? "proven" : "unproven";
}

/** An empty segment counts as a tail of zero bytes: whether it ever held a record can no longer be known. */
function tornTail({ facts, judgement }: Judged): TornTail | null {
  const { verdict, sequence, row } = judgement;
  const { path } = facts.file;
  const kept = { path, sequence: sequence + 1, keptAt: null };
  if (verdict === "unbegun") return { ...kept, offset: 0, size: 0, reason: UNBEGUN };
  if (verdict !== "cut" || facts.failure !== null) return null;
  const { soundEnd: offset, writtenEnd } = facts;
  return { ...kept, offset, size: writtenEnd - offset, reason: row!.says };
}

function corruptionIn(survey: Survey, judged: Judged[]): Corruption | null {
  const { segments, snapshots } = survey.files;
  const last = judged.at(-1);
  if (last === undefined) {
    return segments.length + snapshots.length > 0 ? missingJournal(survey) : null;
  }
  const { index, judgement: { verdict, row, sequence } } = last;
  if (verdict !== "corrupt") return null;
  return row === null
    ? unusableSegment(survey, index, sequence)
    : damagedSegment(survey, index, row, sequence);
}
