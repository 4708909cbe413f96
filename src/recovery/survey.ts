/**
 * Reads a state directory once and returns what is known about it: facts, never records. What to do about them is
 * decided in plan.ts.
 *
 * @module
 */

import type { NamedFile, StateFiles } from "../disk/names.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, ForeignFormatError } from "../errors.ts";
import { HistoryChain, type HistoryPoint, isOther } from "../format/history_point.ts";
import type { SegmentHeader } from "../format/format.ts";
import type { Batch } from "../format/scan.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import { isUnreadable } from "../disk/refusals.ts";
import { type HeaderFacts, identityOf, type StoredIdentity } from "./identity.ts";
import { firstNeeded, isStrange, judge } from "./plan.ts";
import { readStart } from "./replay_start.ts";
import {
  type BatchConsumer,
  readSegmentFacts,
  type SegmentFacts,
  type SegmentReading,
} from "./segment_facts.ts";
import {
  type FoundSnapshot,
  isUsable,
  provenSequence,
  readSnapshotFacts,
  type SnapshotFacts,
  startAt,
} from "./snapshot_facts.ts";
import { withoutStrays } from "./stray_snapshots.ts";

/** Where replay starts: after a snapshot, or at the beginning. */
export interface ReplayStart extends HistoryPoint {
  snapshot: NamedFile | null;
}

/** What is known about a state directory before its segments are read. */
export interface SurveyBasis {
  files: StateFiles;
  /** Whose files they are; `null` when no header says. */
  identity: StoredIdentity | null;
  /** The snapshots that were read, the oldest first. */
  snapshots: SnapshotFacts[];
  start: ReplayStart;
  /** The highest sequence that unusable snapshots prove to have been acknowledged. */
  proven: number;
}

/** What is known about a state directory. */
export interface Survey extends SurveyBasis {
  /** One for each segment; `null` for one that was not read because it is not needed. */
  segments: (SegmentFacts | null)[];
}

/** Receives what a recovery reads. */
export interface Replay {
  /** Called with the snapshot that replay starts from, if there is one. */
  restore(snapshot: FoundSnapshot): void;
  /** Called with the initial state if there is no snapshot and the journal holds one, before any batch. */
  begin(state: unknown, version: number): void;
  consume: BatchConsumer;
  /** Called when a line other than a batch says which mutations of the batch before it were refused. */
  decide(refused: readonly SequenceSpan[]): void;
}

/** What was found during a replay. */
export interface ReplaySurvey extends Survey {
  /** The mutations of the last batch that were refused; `null` when no line says so. */
  refused: readonly SequenceSpan[] | null;
}

/**
 * Reads what an open needs: the newest usable snapshot, and all segments with later records. Passes every sound batch to
 * `replay`, up to the first damage.
 *
 * @throws {TooNewError} when a newer version wrote one of the files
 * @throws {IoError} when the operating system refuses a read for a reason other than the file itself
 */
export async function surveyForReplay(
  fs: DurableFs,
  files: StateFiles,
  identity: StoredIdentity | null,
  replay: Replay,
): Promise<ReplaySurvey> {
  const id = identity?.id ?? null;
  const versionMax = identity?.versionMax ?? Infinity;
  const { found, read } = await readStart(
    fs,
    files,
    { id, versionMax },
    () => surveyAll(fs, files, { build: true }),
  );
  if (found !== null) replay.restore(found);
  const basis = basisOf(files, identity, read);
  const first = firstNeeded(files.segments, basis.start.sequence);
  let { sequence } = basis.start;
  const chain = new HistoryChain(basis.start);
  // A journal whose beginning is missing is not replayed at all.
  let isSound = first >= 0;
  let isOver = !isSound;
  const consume = (batch: Batch, header: SegmentHeader) => {
    // Checked before the batch is replayed: what is known only once a whole segment has been read would come too late.
    isSound &&= (id === null || header.id === id) && header.version <= versionMax &&
      chain.passes(batch, header) &&
      (isBegun || header.initial === undefined || basis.start.snapshot !== null);
    if (!isSound) return;
    replay.consume(batch, header);
    refused = null;
  };
  let refused: readonly SequenceSpan[] | null = null;
  let isBegun = false;
  const begin = (state: unknown, header: SegmentHeader) => {
    if (basis.start.snapshot !== null || id !== null && header.id !== id) return;
    isBegun = true;
    replay.begin(state, header.version);
  };
  // The start is known by now, and all of the snapshots that can't be used are newer.
  const points = [basis.start.sequence];
  const segments: (SegmentFacts | null)[] = [];
  for (const [index, file] of files.segments.entries()) {
    if (index < first) {
      segments.push(null);
      continue;
    }
    const reading: SegmentReading = index === first
      ? { consume, points, begin }
      : { consume, points };
    const facts = await readSegmentFacts(fs, file, reading);
    const before = segments.at(-1) ?? null;
    segments.push(facts);
    // After the damage, only what the segments name still matters.
    if (isOver) continue;
    refuseUnexplained(facts);
    const judgement = judge(basis, { before, facts, next: files.segments[index + 1] }, sequence);
    // A header and seals say what became of the mutations before them; one of another history speaks of other mutations.
    if (isSound && judgement.row !== null && facts.failure === null && facts.refused) {
      replay.decide(facts.refused);
      refused = facts.refused;
    }
    sequence = judgement.sequence;
    isOver = judgement.verdict === "corrupt";
    isSound &&= !isOver;
  }
  const isUntold = refused === null && sequence === basis.start.sequence;
  if (isUntold && first > 0 && files.segments[first]!.sequence > sequence) {
    refused = await refusedBefore(fs, files.segments[first - 1]!, basis);
  }
  return { ...basis, segments, refused };
}

/**
 * What the segment before the start of a replay lists as refused in its last batch. Nothing else says so when a power
 * cut has left the segment after it empty, as happens on FAT.
 */
async function refusedBefore(
  fs: DurableFs,
  file: NamedFile,
  { identity, start }: SurveyBasis,
): Promise<readonly SequenceSpan[] | null> {
  const facts = await readSegmentFacts(fs, file);
  const isBefore = facts.failure === null && !isStrange(facts, identity) &&
    facts.sequenceNext === start.sequence + 1 && !isOther(facts.checksum, start.checksum);
  return isBefore ? facts.refused : null;
}

/**
 * Reads every byte of every file.
 *
 * @param options.build whether to build the states of the snapshots too: only then is it certain that they are states
 * @param options.limitOf the offset up to which a segment may be read; `undefined` for all of it
 * @throws {TooNewError} when a newer version wrote one of the files
 * @throws {IoError} when the operating system refuses a read for a reason other than the file itself
 */
export async function surveyAll(
  fs: DurableFs,
  files: StateFiles,
  { build, limitOf = () => undefined }: {
    build: boolean;
    limitOf?: (file: NamedFile) => number | undefined;
  },
): Promise<Survey> {
  const snapshots: SnapshotFacts[] = [];
  for (const file of files.snapshots) {
    snapshots.push((await readSnapshotFacts(fs, file, { build })).facts);
  }
  const segments: SegmentFacts[] = [];
  const points = files.snapshots.map(({ sequence }) => sequence);
  for (const file of files.segments) {
    const reading: SegmentReading = { limit: limitOf(file), measure: true, points };
    const facts = await readSegmentFacts(fs, file, reading);
    refuseUnexplained(facts);
    segments.push(facts);
  }
  const identity = identityOf([...snapshots, ...segments].map(headerOf));
  let survey: Survey = { ...basisOf(files, identity, snapshots), segments };
  for (let marked; (marked = withoutStrays(survey)) !== null;) {
    survey = { ...basisOf(files, identity, marked), segments };
  }
  return survey;
}

function headerOf({ file, header, failure }: SnapshotFacts | SegmentFacts): HeaderFacts {
  return { file, header, refusal: header === null && isUnreadable(failure) ? failure : null };
}

function basisOf(
  files: StateFiles,
  identity: StoredIdentity | null,
  snapshots: SnapshotFacts[],
): SurveyBasis {
  const id = identity?.id ?? null;
  const newest = snapshots.findLast((snapshot) => isUsable(snapshot, id));
  return {
    files,
    identity,
    snapshots,
    start: startAt(newest),
    proven: Math.max(0, ...snapshots.map((snapshot) => provenSequence(snapshot, id))),
  };
}

/** Something else under a segment's name, such as a directory, is not damage that could be repaired. */
function refuseUnexplained({ failure }: SegmentFacts): void {
  const isExplained = failure === null || failure instanceof CorruptionError ||
    failure instanceof ForeignFormatError || isUnreadable(failure);
  if (!isExplained) throw failure;
}
