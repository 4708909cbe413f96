/**
 * Describes damage that a power cut can't explain: where it is, and which sequences can't be proven because of it. Pure.
 *
 * @module
 */

import { BY_OPTION, PERHAPS_OURS } from "../advice.ts";
import type { NamedFile } from "../disk/names.ts";
import { CorruptionError, ForeignFormatError, IoError, type MinistateError } from "../errors.ts";
import { OTHER_HISTORY } from "../journal/other_history.ts";
import { RECORDS_MISSING, type Row } from "./recovery_table.ts";
import { isOfOtherHistory } from "./segment_history.ts";
import type { ReadSegment, SegmentFacts } from "./segment_facts.ts";
import type { Survey } from "./survey.ts";
import { laterVersion } from "./snapshot_facts.ts";
import { highestNamed } from "./tail_evidence.ts";

/** A range of sequences; the last is `null` when it is unknown. */
export interface SequenceRange {
  /** The first sequence of the range. */
  sequenceFirst: number;
  /** The last sequence of the range, or `null` when it is unknown. */
  sequenceLast: number | null;
}

/** Damage that a power cut can't explain. */
export interface Corruption {
  /** The label of the row in the recovery table. */
  label: string;
  says: string;
  /** The damaged segment; `null` when a file is missing altogether. */
  damaged: NamedFile | null;
  /** The segments after the damage. */
  later: NamedFile[];
  path: string;
  offset: number;
  lost: SequenceRange;
  /** Where the segment's sound part ends, if it has one. */
  soundEnd: number | null;
  /** The disk's refusal to read part of it, if there was one. */
  refusal: MinistateError | null;
}

/** A description of what is wrong, with the system's error. */
export function reasonOf({ says, refusal }: Corruption): string {
  return refusal === null ? says : `${says} (${refusal.systemCode ?? refusal.message})`;
}

const FOREIGN_SEGMENT = "foreign segment";
const NEWER_SEGMENT = "newer segment";

/** Labels and descriptions of segments of which nothing can be used. */
const UNUSABLE = {
  foreign: { label: FOREIGN_SEGMENT, says: "it was not written by this journal" },
  other: { label: "segment of another history", says: OTHER_HISTORY },
  newer: { label: NEWER_SEGMENT, says: "" },
  initial: {
    label: "damaged initial state",
    says: "the initial state in it is damaged, which a power cut can't cause",
  },
  refused: { label: "unreadable segment", says: "the disk refuses to give its first line" },
  damaged: {
    label: "damaged header",
    says: "its first line is damaged, which a power cut can't cause",
  },
};

/** A journal whose beginning is missing, or all of it. */
export function missingJournal(survey: Survey): Corruption {
  const { files, start } = survey;
  const next = files.segments[0];
  return {
    label: "journal missing",
    says: next === undefined
      ? "there is no segment, though there was a journal"
      : `the segments before "${next.name}" are missing, and no sound snapshot replaces them`,
    damaged: null,
    later: files.segments,
    path: files.directory,
    offset: 0,
    lost: {
      sequenceFirst: start.sequence + 1,
      sequenceLast: highestSequence(survey, 0, start.sequence),
    },
    soundEnd: null,
    refusal: null,
  };
}

/**
 * Damage in a segment that was read to its end.
 *
 * @param sequence the highest sequence up to which everything is sound
 */
export function damagedSegment(
  survey: Survey,
  index: number,
  row: Row,
  sequence: number,
): Corruption {
  const facts = survey.segments[index] as ReadSegment;
  const { file, damage, unreadable, soundEnd, sequenceNext, evidence } = facts;
  const later = survey.files.segments.slice(index + 1);
  const sequenceNamed = highestNamed(evidence, later.length === 0);
  return {
    label: row.label,
    says: row.says,
    damaged: file,
    later,
    path: file.path,
    offset: damage?.offset ?? unreadable?.offset ?? soundEnd,
    lost: {
      sequenceFirst: sequence + 1,
      sequenceLast: highestSequence(survey, index + 1, sequence, sequenceNamed),
    },
    soundEnd: sequenceNext - 1 === sequence ? soundEnd : null,
    refusal: unreadable,
  };
}

function unusableKind(
  survey: Survey,
  facts: SegmentFacts,
  before: SegmentFacts | null,
): keyof typeof UNUSABLE {
  const { failure } = facts;
  if (failure instanceof ForeignFormatError) return "foreign";
  if (failure !== null) return failure instanceof IoError ? "refused" : "damaged";
  const { identity } = survey;
  if (identity !== null && facts.header.id !== identity.id) return "foreign";
  if (identity !== null && facts.header.version > identity.versionMax) return "newer";
  return isOfOtherHistory(survey, facts, before) ? "other" : "initial";
}

/** A segment whose header is damaged, unreadable, not ours, or of another history. */
export function unusableSegment(
  survey: Survey,
  index: number,
  sequence: number,
): Corruption {
  const facts = survey.segments[index]!;
  const { file } = facts;
  const failure = facts.failure ?? facts.initialFailure;
  const refusal = failure instanceof IoError ? failure : null;
  const kind = unusableKind(survey, facts, survey.segments[index - 1] ?? null);
  return {
    ...UNUSABLE[kind],
    ...(kind === "newer" && {
      says: laterVersion(facts.header!.version, survey.identity!.versionMax),
    }),
    damaged: file,
    later: survey.files.segments.slice(index + 1),
    path: file.path,
    offset: kind === "initial" ? failure?.offset ?? 0 : 0,
    lost: {
      sequenceFirst: sequence + 1,
      sequenceLast: highestSequence(survey, index, sequence),
    },
    soundEnd: null,
    refusal,
  };
}

/** Whether nothing is damaged: a later version of the mutator, which doesn't count, continued the journal. */
export function isNewer({ label }: Corruption): boolean {
  return label === NEWER_SEGMENT;
}

/** Whether files are missing and nothing that is there is damaged. */
export function isGap({ damaged, label }: Corruption): boolean {
  return damaged === null || label === RECORDS_MISSING;
}

/**
 * The highest sequence above `base` that the segments from `index` on hold or name, that snapshots prove, or that is
 * `sequenceNamed`; `null` if there is none.
 */
function highestSequence(
  { segments, proven, files }: Survey,
  index: number,
  base: number,
  sequenceNamed = 0,
): number | null {
  let highest = Math.max(base, sequenceNamed, proven);
  for (; index < segments.length; index++) {
    // The existence of a segment proves all sequences before it.
    highest = Math.max(highest, files.segments[index]!.sequence - 1);
    const facts = segments[index];
    // A segment that can't be read has no sequences to report; the report then leaves the last one open.
    if (!facts || facts.failure !== null) continue;
    const isLast = index === segments.length - 1;
    const sequencesNamed = [facts.evidence, facts.initialEvidence]
      .map((evidence) => highestNamed(evidence, isLast));
    highest = Math.max(highest, facts.sequenceNext - 1, ...sequencesNamed);
  }
  return highest > base ? highest : null;
}

/** The error that reports a corruption to the user. */
export function corruptionError(corruption: Corruption): CorruptionError | ForeignFormatError {
  const { sequenceFirst, sequenceLast } = corruption.lost;
  const range = sequenceLast === null
    ? `${sequenceFirst} and later`
    : sequenceLast <= sequenceFirst
    ? `${sequenceFirst}`
    : `${sequenceFirst} to ${sequenceLast}`;
  if (corruption.label === FOREIGN_SEGMENT) {
    return new ForeignFormatError(
      `Cannot open "${corruption.path}": ${corruption.says}, though its name is one of ours. Nothing was changed: ` +
        `move it back to where it came from. ${PERHAPS_OURS}`,
      { path: corruption.path, offset: 0, sequence: sequenceFirst, operation: "open" },
    );
  }
  return new CorruptionError(
    `Cannot open "${corruption.path}" at offset ${corruption.offset}: ${
      reasonOf(corruption)
    }; sequences that can't be proven: ${range}. ` +
      "Nothing was changed: copy the directory, look at the disk's health, restore a backup, " +
      `or run "ministate repair"${BY_OPTION.quarantine} to continue without them`,
    {
      path: corruption.path,
      offset: corruption.offset,
      sequence: sequenceFirst,
      operation: "open",
      lost: corruption.lost,
      cause: corruption.refusal?.cause,
    },
  );
}
