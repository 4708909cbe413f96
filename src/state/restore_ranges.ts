/**
 * Finds which sequences of a state directory can be restored, and says why another one can't. Pure.
 *
 * A state can be restored where the journal leads to it without a gap, from its beginning or from a snapshot.
 *
 * @module
 */

import { addRange, type SequenceSpan } from "../format/ranges.ts";
import { firstNeeded, isStrange, planOf } from "../recovery/plan.ts";
import type { ReadSegment, SegmentFacts } from "../recovery/segment_facts.ts";
import { continuesOther, isOtherAt } from "../recovery/segment_history.ts";
import { isUsable, type SnapshotFacts, startAt } from "../recovery/snapshot_facts.ts";
import { isDisputed } from "../recovery/stray_snapshots.ts";
import type { Survey } from "../recovery/survey.ts";

/** Sequences that one beginning leads to. */
export interface Stretch {
  /** Where it begins: 0, or the sequence of a snapshot. */
  first: number;
  last: number;
  /** The segments that lead there. */
  segments: ReadSegment[];
}

/** Why a sequence can't be restored. */
export type Unrestorable =
  /** It is within an atomic group. */
  | { why: "grouped"; group: SequenceSpan }
  /** Compaction has deleted it, it is not there yet, or what leads to it is damaged. */
  | { why: "gone"; ranges: readonly SequenceSpan[] }
  | { why: "later"; ranges: readonly SequenceSpan[] }
  | { why: "damaged"; ranges: readonly SequenceSpan[]; path: string; offset: number | null };

/** The snapshots that can be restored, the oldest first. */
export function usableSnapshots(survey: Survey): SnapshotFacts[] {
  const id = survey.identity?.id ?? null;
  return survey.snapshots.filter((facts) => isUsable(facts, id) && !isDisputed(survey, facts));
}

/** What can be restored: from the beginning first, then from each snapshot, the oldest first. */
export function stretchesOf(survey: Survey): Stretch[] {
  return [undefined, ...usableSnapshots(survey)]
    .map((snapshot) => stretchFrom(survey, snapshot))
    .filter((stretch) => stretch !== null);
}

function stretchFrom(survey: Survey, snapshot: SnapshotFacts | undefined): Stretch | null {
  const { segments } = survey;
  const start = startAt(snapshot);
  let index = firstNeeded(survey.files.segments, start.sequence);
  let facts = segments[index];
  if (!isWhole(survey, facts) || isOtherAt(facts, start)) return null;
  const found = [facts];
  for (let next; isWhole(survey, next = segments[index + 1]); index++) {
    if (facts.sequenceNext !== next.header.first || continuesOther(next, facts)) break;
    found.push(facts = next);
  }
  const last = reachOf(facts, segments[index + 1]);
  return last < start.sequence ? null : { first: start.sequence, last, segments: found };
}

/** Whether a segment has a beginning that can be used. Only its end may be damaged. */
function isWhole(survey: Survey, facts: SegmentFacts | null | undefined): facts is ReadSegment {
  return !!facts && facts.failure === null && facts.initialFailure === null &&
    !isStrange(facts, survey.identity);
}

/** The last sound sequence of a segment. What the segment after it repeats is its own. */
function reachOf({ sequenceNext }: ReadSegment, next: SegmentFacts | null | undefined): number {
  return Math.min(sequenceNext, next?.file.sequence ?? Infinity) - 1;
}

/** The sequences that can be restored, as ranges. */
export function rangesOf(stretches: readonly Stretch[]): SequenceSpan[] {
  const ranges: SequenceSpan[] = [];
  for (const { first, last } of stretches) {
    const before = ranges.at(-1)?.[1] ?? -1;
    // Those of later snapshots are often part of it.
    if (last > before) addRange(ranges, Math.max(first, before + 1), last);
  }
  return ranges;
}

/** Why a sequence is in none of the ranges. */
export function whyNot(
  survey: Survey,
  ranges: readonly SequenceSpan[],
  sequence: number,
): Unrestorable {
  const place = damageBefore(survey, sequence);
  if (place !== null) return { why: "damaged", ranges, ...place };
  const last = ranges.at(-1)?.[1];
  // Snapshots alone, for example: nothing that is there could be opened.
  if (last === undefined) {
    return { why: "damaged", ranges, path: survey.files.directory, offset: null };
  }
  return { why: sequence > last ? "later" : "gone", ranges };
}

interface Place {
  path: string;
  offset: number | null;
}

/** The nearest damage that keeps the journal from leading to `sequence`; `null` when there is none. */
function damageBefore(survey: Survey, sequence: number): Place | null {
  const { segments, files } = survey;
  // The beginning has no segment of its own.
  const holder = firstNeeded(files.segments, Math.max(0, sequence - 1));
  for (let index = holder; index >= 0; index--) {
    const [facts, next] = [segments[index]!, segments[index + 1]];
    if (!isWhole(survey, facts)) return { path: facts.file.path, offset: 0 };
    // What comes after it matters only for what comes after it.
    const isPassed = index < holder || sequence >= facts.sequenceNext;
    if (!isPassed) continue;
    if (!next) {
      // A snapshot gets its name only once everything up to it is in the journal.
      if (sequence <= Math.max(survey.start.sequence, survey.proven)) {
        return { path: facts.file.path, offset: facts.soundEnd };
      }
      continue;
    }
    if (facts.sequenceNext !== next.file.sequence) {
      return { path: facts.file.path, offset: facts.soundEnd };
    }
    if (next.failure === null && continuesOther(next, facts)) {
      return { path: next.file.path, offset: 0 };
    }
  }
  const { corruption } = planOf(survey);
  if (corruption === null || sequence < corruption.lost.sequenceFirst) return null;
  const { lost: { sequenceLast }, path, offset } = corruption;
  return sequenceLast === null || sequence <= sequenceLast ? { path, offset } : null;
}
