/**
 * Finds snapshots of another history: the journal leads past them from further back, through other batches. Pure.
 *
 * Two files that contradict each other don't show which of them is strange. With a third one that continues one of them,
 * those two win. Otherwise the newest snapshot does, and the segment counts as damage.
 *
 * @module
 */

import { pointOf } from "../format/history_point.ts";
import { snapshotOfOtherHistory } from "../journal/other_history.ts";
import { firstNeeded, sequenceReached } from "./plan.ts";
import type { SegmentFacts } from "./segment_facts.ts";
import { continuesOther, isOtherAt } from "./segment_history.ts";
import { isUsable, type SnapshotFacts, startAt } from "./snapshot_facts.ts";
import type { Survey } from "./survey.ts";

/**
 * The snapshots of a directory that was read completely, with a failure for those of another history.
 *
 * @returns `null` when replay can start from the newest usable one
 */
export function withoutStrays(survey: Survey): SnapshotFacts[] | null {
  const { snapshots, start, identity } = survey;
  const usable = snapshots.filter((snapshot) => isUsable(snapshot, identity?.id ?? null));
  const newest = usable.at(-1);
  if (newest === undefined || !isDisputed(survey, newest)) return null;
  const older = usable.findLast((snapshot) => !isDisputed(survey, snapshot));
  const further: Survey = { ...survey, start: startAt(older) };
  if (sequenceReached(further) < start.sequence) return null;
  const strays = usable.filter((snapshot) => isBeside(further, snapshot));
  // What differs is the segment after it.
  if (!strays.includes(newest)) return null;
  return snapshots.map((facts) =>
    strays.includes(facts) ? { ...facts, failure: snapshotOfOtherHistory(facts.file) } : facts
  );
}

/**
 * Whether the segment that replay would continue in, or that it would stand on, is of another history.
 *
 * @param others segments that are known to be strange themselves
 */
export function isDisputed(
  { files, segments }: Survey,
  { header }: SnapshotFacts,
  others: ReadonlySet<SegmentFacts> = new Set(),
): boolean {
  const point = pointOf(header!);
  const facts = segments[firstNeeded(files.segments, point.sequence)];
  return !!facts && facts.failure === null && facts.header.id === header!.id &&
    !others.has(facts) && isOtherAt(facts, point);
}

/** The segments of another history among those that are not needed, judged by what later segments continue. */
export function oldOthers({ files, segments, start }: Survey): Set<SegmentFacts> {
  const others = new Set<SegmentFacts>();
  for (let index = firstNeeded(files.segments, start.sequence) - 1; index >= 0; index--) {
    const next = segments[index + 1]!;
    // A strange one says nothing about those before it.
    if (next.failure !== null || others.has(next)) continue;
    if (continuesOther(next, segments[index]!)) others.add(segments[index]!);
  }
  return others;
}

/** Whether replay would pass the sequence of a snapshot through another batch. */
function isBeside({ files, segments, start }: Survey, { header }: SnapshotFacts): boolean {
  const point = pointOf(header!);
  if (point.sequence <= start.sequence) return false;
  const holder = segments[files.segments.findLastIndex((file) => file.sequence <= point.sequence)];
  return !!holder && holder.failure === null && isOtherAt(holder, point);
}
