/**
 * What an inspection finds, from a survey and the plan made of it. Pure; nothing is judged here.
 *
 * @module
 */

import { joinPath } from "../disk/names.ts";
import { reasonOf } from "./corruption.ts";
import { OTHER_HISTORY, SNAPSHOT_OF_OTHER_HISTORY } from "../journal/other_history.ts";
import { flawOf, placeOfFlaw } from "./flaw.ts";
import { CONTESTED } from "./identity.ts";
import type { Finding } from "./inspection.ts";
import { firstNeeded, judgeTail, type Plan } from "./plan.ts";
import type { SegmentFacts } from "./segment_facts.ts";
import { ANOTHER_JOURNAL, isUsable, type SnapshotFacts } from "./snapshot_facts.ts";
import { isDisputed, oldOthers } from "./stray_snapshots.ts";
import type { Survey } from "./survey.ts";

/** Everything that differs from what was written. */
export function findingsOf(survey: Survey, plan: Plan): Finding[] {
  return [
    ...contestedFindings(survey),
    ...snapshotFindings(survey),
    ...planFindings(plan),
    ...segmentFindings(survey, plan),
    ...supersededFindings(survey),
  ];
}

/** A finding about a whole file or directory. */
function findingAbout(path: string, reason: string): Finding {
  return {
    severity: "corrupt",
    path,
    offset: null,
    sequence: null,
    sequenceLast: null,
    reason,
    needed: false,
  };
}

function contestedFindings({ identity, files }: Survey): Finding[] {
  if (identity?.contested !== true) return [];
  return [{ ...findingAbout(files.directory, CONTESTED), needed: true }];
}

/** What is wrong with a snapshot; `null` when nothing is. */
export function snapshotFlaw(facts: SnapshotFacts, id: string | null): string | null {
  if (isUsable(facts, id)) return null;
  return facts.failure === null ? ANOTHER_JOURNAL : flawOf(facts.failure);
}

function snapshotFindings(survey: Survey): Finding[] {
  const { files, snapshots, start, identity } = survey;
  const id = identity?.id ?? null;
  const unusable = snapshots.filter((snapshot) => !isUsable(snapshot, id)).map((facts) => {
    const { name, sequence } = facts.file;
    const instead = sequence < start.sequence
      ? "a newer one"
      : start.snapshot === null
      ? "the journal from its beginning"
      : `"${start.snapshot.name}" and the journal`;
    const reason = `${
      snapshotFlaw(facts, id)
    }: the snapshot is not used; it is replaced by ${instead}`;
    const path = joinPath(files.directory, name);
    return { ...findingAbout(path, reason), sequence, sequenceLast: sequence };
  });
  return [...unusable, ...oldSnapshotFindings(survey)];
}

/** Snapshots that are older than the one in use, and not of the same history as the journal around them. */
function oldSnapshotFindings(survey: Survey): Finding[] {
  const { snapshots, start, identity } = survey;
  const id = identity?.id ?? null;
  const others = oldOthers(survey);
  return snapshots.filter((facts) =>
    facts.file.sequence < start.sequence && isUsable(facts, id) && isDisputed(survey, facts, others)
  ).map(({ file: { path, sequence } }) => ({
    ...findingAbout(path, `${SNAPSHOT_OF_OTHER_HISTORY}; a newer snapshot makes it unneeded`),
    sequence,
    sequenceLast: sequence,
  }));
}

function planFindings({ corruption, torn }: Plan): Finding[] {
  if (corruption !== null) {
    const { path, offset, lost, damaged } = corruption;
    return [{
      ...findingAbout(path, reasonOf(corruption)),
      offset: damaged === null ? null : offset,
      sequence: lost.sequenceFirst,
      sequenceLast: lost.sequenceLast,
      needed: true,
    }];
  }
  if (torn === null) return [];
  const { path, offset, sequence, reason } = torn;
  return [{ ...findingAbout(path, reason), severity: "torn", offset, sequence }];
}

/** What is wrong with segments that the plan does not mention. */
function segmentFindings(survey: Survey, { corruption, torn }: Plan): Finding[] {
  const { segments, start, files } = survey;
  const findings: Finding[] = [];
  const mentioned = corruption?.path ?? torn?.path;
  const first = firstNeeded(files.segments, start.sequence);
  const others = oldOthers(survey);
  for (const [i, facts] of segments.entries()) {
    const next = files.segments[i + 1];
    const needed = i >= first;
    if (facts === null || facts.file.path === mentioned) continue;
    const { file } = facts;
    const sequence = sequenceAfter(facts);
    const flaw = segmentFlaw(facts) ?? (others.has(facts) ? OF_OTHER_HISTORY : null);
    if (flaw !== null) {
      const isTorn = next === undefined && !flaw.proven;
      findings.push({
        ...findingAbout(file.path, flaw.reason),
        severity: isTorn ? "torn" : "corrupt",
        offset: flaw.offset,
        sequence,
        sequenceLast: next === undefined ? null : next.sequence - 1,
        reason: needed ? flaw.reason : `${flaw.reason}; newer snapshots make it unneeded`,
        needed: needed && !isTorn,
      });
    } else if (next !== undefined && next.sequence !== sequence && !needed) {
      const reason =
        "the segment after it is gone; a snapshot replaces it (a compaction was interrupted)";
      findings.push({
        ...findingAbout(file.path, reason),
        severity: "notice",
        sequence,
        sequenceLast: next.sequence - 1,
      });
    }
  }
  return findings;
}

/** The sequence that a record after the last sound one of a segment would have. */
export function sequenceAfter(facts: SegmentFacts): number {
  return facts.failure === null ? facts.sequenceNext : facts.file.sequence;
}

interface Flaw {
  reason: string;
  offset: number;
  proven: boolean;
}

const DAMAGED_INITIAL =
  "the initial state in it is damaged, which only a replay from the beginning needs";

const OF_OTHER_HISTORY: Flaw = { reason: OTHER_HISTORY, offset: 0, proven: true };

/** What is wrong with one segment; `null` when nothing is. */
export function segmentFlaw(facts: SegmentFacts): Flaw | null {
  if (facts.failure !== null) return { reason: flawOf(facts.failure), offset: 0, proven: true };
  if (facts.initialFailure !== null) {
    return { reason: DAMAGED_INITIAL, offset: facts.initialFailure.offset ?? 0, proven: true };
  }
  if (facts.evidence === null) return null;
  const { flaw, offset } = placeOfFlaw(facts);
  return { reason: flaw, offset, proven: judgeTail(facts) !== "unproven" };
}

/** Files that an earlier open could not move away. */
function supersededFindings({ files: { superseded } }: Survey): Finding[] {
  const reason =
    "a file of a later edition has replaced it; the next open tries to move it away; run fsck if it stays";
  return superseded.map(({ path, sequence }) => ({ ...findingAbout(path, reason), sequence }));
}
