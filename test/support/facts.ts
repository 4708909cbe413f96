/**
 * Facts about a state directory, made by hand: what a survey could have found.
 *
 * @module
 */

import { type NamedFile, segmentFile, snapshotFile } from "../../src/disk/names.ts";
import { CorruptionError } from "../../src/errors.ts";
import { noWrites } from "../../src/format/write_totals.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import type {
  ReadSegment,
  SegmentFacts,
  UnusableSegment,
} from "../../src/recovery/segment_facts.ts";
import type { SnapshotFacts } from "../../src/recovery/snapshot_facts.ts";
import type { Survey } from "../../src/recovery/survey.ts";
import type { TailEvidence } from "../../src/recovery/tail_evidence.ts";
import { IDENTITY } from "./segment.ts";

/** Where the sound part of the segments ends. */
export const SOUND_END = 500;

/** A sound segment with the records from `first` to before `next`. */
export function soundSegment(
  first: number,
  next: number,
  differing: Partial<ReadSegment> = {},
): ReadSegment {
  return {
    file: segmentFile(IDENTITY, first),
    size: SOUND_END,
    header: segmentHeader(IDENTITY, first, { checksum: null }, 0),
    failure: null,
    seed: 0,
    sequenceNext: next,
    checksum: null,
    points: new Map(),
    lastStart: SOUND_END - 100,
    soundEnd: SOUND_END,
    writtenEnd: SOUND_END,
    sealed: false,
    refused: [],
    refusedCount: 0,
    refusedBefore: null,
    initialEnd: 0,
    batchLast: { offsetEnd: SOUND_END, timestamp: 0 },
    written: { since: 1, ...noWrites() },
    compactionFailure: null,
    damage: null,
    initialFailure: null,
    initialEvidence: null,
    unreadable: null,
    evidence: null,
    ...differing,
  };
}

/** A segment whose sound part is followed by `size` bytes that are not sound records, with what was found in them. */
export function damagedSegment(
  first: number,
  next: number,
  found: Partial<TailEvidence> = {},
  size = 10,
): ReadSegment {
  const writtenEnd = SOUND_END + size;
  return soundSegment(first, next, {
    writtenEnd,
    damage: { offset: SOUND_END, reason: "checksum" },
    evidence: {
      proof: null,
      writtenEnd,
      sequenceNamed: null,
      exhausted: false,
      skipped: false,
      ...found,
    },
  });
}

/** A segment whose first line is damaged, or that has none. */
export function unusableSegment(first: number, isEmpty: boolean): UnusableSegment {
  const file = segmentFile(IDENTITY, first);
  return { file, size: 0, header: null, failure: damageOf(file), isEmpty };
}

/** A snapshot that is damaged after its first line. */
export function damagedSnapshot(sequence: number, id: string): SnapshotFacts {
  const file = snapshotFile(IDENTITY, sequence);
  const { mutator, version } = IDENTITY;
  const header = {
    ministate: "snapshot",
    format: 1,
    id,
    sequence,
    mutator,
    version,
    timestamp: 0,
  } as const;
  return { file, size: 300, header, failure: damageOf(file) };
}

function damageOf({ path, sequence }: NamedFile): CorruptionError {
  const lost = { sequenceFirst: sequence, sequenceLast: null };
  return new CorruptionError("damaged", { path, offset: 0, sequence, lost });
}

/** What a survey of these segments, with no snapshot, would say. */
export function surveyOf(segments: SegmentFacts[], differing: Partial<Survey> = {}): Survey {
  const { directory, stem, id, mutator, version } = IDENTITY;
  return {
    files: {
      directory,
      stem,
      segments: segments.map(({ file }) => file),
      snapshots: [],
      temporary: [],
      superseded: [],
      editionFirsts: [],
      idRenewed: false,
    },
    identity: {
      id,
      mutator,
      version,
      versionHighest: 1,
      versionMax: Infinity,
      contested: false,
      idRenewed: false,
      written: undefined,
    },
    snapshots: [],
    start: { sequence: 0, checksum: null, snapshot: null },
    proven: 0,
    segments,
    ...differing,
  };
}
