/**
 * Reads every byte of a state directory's files and reports what is there, what is damaged, and what the next open
 * would do. Needs no mutator and no lock, and changes nothing.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { listState } from "../disk/list_state.ts";
import { stemOf } from "../disk/names.ts";
import { countIn, NO_RANGES } from "../format/ranges.ts";
import { type TimedSegment, wearOf } from "../wear/inspection.ts";
import { coverLast } from "./cover_last.ts";
import { findingsOf, segmentFlaw, sequenceAfter, snapshotFlaw } from "./findings.ts";
import type {
  Finding,
  Inspection,
  NextOpen,
  SegmentInspection,
  SnapshotInspection,
} from "./inspection.ts";
import { type Plan, planOf } from "./plan.ts";
import type { ReadSegment, SegmentFacts } from "./segment_facts.ts";
import { isContinuedBy } from "./segment_history.ts";
import type { SnapshotFacts } from "./snapshot_facts.ts";
import { listQuarantine, sizesOf, stuckFindings } from "./spare_files.ts";
import { type Survey, surveyAll } from "./survey.ts";

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
  const survey = await surveyAll(fs, files, { build: true });
  const { identity } = survey;
  const plan = planOf(survey);
  if (plan.corruption === null) await coverLast(fs, files, plan.end);
  const findings = [...findingsOf(survey, plan), ...await stuckFindings(fs, directory)];
  const segments = survey.segments.filter((facts) => facts !== null);
  return {
    directory,
    journal,
    id: identity?.id ?? null,
    mutator: identity?.mutator ?? null,
    version: identity?.version ?? null,
    segments: segments.map((facts, index) => inspectSegment(facts, segments[index + 1])),
    snapshots: survey.snapshots.map((facts) => inspectSnapshot(facts, identity?.id ?? null)),
    written: wearOf(plan.written, identity?.id, segments.map(timedSegment)),
    compactionFailure: plan.compactionFailure,
    quarantine: await listQuarantine(fs, directory),
    temporary: await sizesOf(fs, files.temporary),
    findings,
    verdict: verdictOf(findings),
    nextOpen: nextOpenOf(survey, plan),
  };
}

function inspectSnapshot(facts: SnapshotFacts, id: string | null): SnapshotInspection {
  const { file: { name, sequence }, size, header, failure } = facts;
  const version = failure === null ? header!.version : null;
  return { name, size, sequence, version, flaw: snapshotFlaw(facts, id) };
}

/** @param next the segment after it */
function inspectSegment(facts: SegmentFacts, next: SegmentFacts | undefined): SegmentInspection {
  const { file: { name, sequence }, size } = facts;
  const read = facts.failure === null ? facts : null;
  return {
    name,
    size,
    soundSize: read?.soundEnd ?? 0,
    sequenceFirst: sequence,
    sequenceLast: sequenceAfter(facts) - 1,
    sealed: read?.sealed ?? false,
    mutator: read?.header.mutator ?? null,
    version: read?.header.version ?? null,
    damagedAt: segmentFlaw(facts)?.offset ?? null,
    refused: read === null ? 0 : read.refusedCount + refusedInLast(read, next),
  };
}

/** How many mutations of its last batch were refused. */
function refusedInLast(facts: ReadSegment, next: SegmentFacts | undefined): number {
  if (facts.batchLast === null) return 0;
  if (facts.refused !== null) return countIn(facts.refused);
  return isContinuedBy(facts, next) ? countIn(next.refusedBefore ?? NO_RANGES) : 0;
}

function timedSegment(facts: SegmentFacts): TimedSegment | null {
  if (facts.failure !== null) return null;
  const { header, batchLast } = facts;
  return { header, timestampLast: batchLast?.timestamp ?? header.timestamp };
}

/** The overall verdict on all findings. */
function verdictOf(findings: Finding[]): Inspection["verdict"] {
  for (const severity of ["corrupt", "torn"] as const) {
    if (findings.some((finding) => finding.severity === severity)) return severity;
  }
  return "sound";
}

/** What the next `open` with the default settings will do. */
function nextOpenOf({ identity }: Survey, plan: Plan): NextOpen {
  const { corruption, torn, sequence, start } = plan;
  const isRefused = corruption !== null || identity?.contested === true;
  return {
    outcome: isRefused ? "refuse" : torn === null ? "open" : "cut",
    snapshot: start.snapshot && { name: start.snapshot.name, sequence: start.sequence },
    replays: sequence - start.sequence,
    sequence,
    torn: torn && {
      path: torn.path,
      offset: torn.offset,
      size: torn.size,
      sequence: torn.sequence,
    },
    lost: corruption?.lost ?? null,
  };
}
