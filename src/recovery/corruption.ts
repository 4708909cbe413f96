/**
 * Describes damage that a power cut can't explain: where it is, and which sequences can't be proven because of it.
 *
 * @module
 */

import { BY_OPTION, PERHAPS_OURS } from "../advice.ts";
import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError, ForeignFormatError, type MinistateError } from "../errors.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { scanAftermath, sequenceNamed } from "./proof_scan.ts";
import { endsUnsound, readWhatIsSound } from "./read_sound.ts";
import type { Row } from "./recovery_table.ts";
import { SegmentReader } from "../journal/segment_reader.ts";
import { isFilesOwn, isUnreadable } from "../disk/refusals.ts";

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
  /** The position of the segment among the files, or -1 when a file is missing altogether. */
  index: number;
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

/** A journal whose beginning is missing, or all of it. */
export async function missingJournal(
  fs: DurableFs,
  files: StateFiles,
  base: number,
  known: number,
): Promise<Corruption> {
  const next = files.segments[0];
  return {
    label: "journal missing",
    says: next === undefined
      ? "there is no segment, though there was a journal"
      : `the segments before "${next.name}" are missing, and no sound snapshot replaces them`,
    index: -1,
    path: files.directory,
    offset: 0,
    lost: {
      sequenceFirst: base + 1,
      sequenceLast: await highestSequence(fs, files, 0, base, known),
    },
    soundEnd: null,
    refusal: null,
  };
}

/** Damage in a segment that was read to its end. */
export async function corruptionAt(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  reader: SegmentReader,
  seen: number,
  row: Row,
  sequence: number,
): Promise<Corruption> {
  return {
    label: row.label,
    says: row.says,
    index,
    path: reader.named.path,
    offset: reader.damage?.offset ?? reader.unreadable?.offset ?? reader.soundEnd,
    lost: {
      sequenceFirst: sequence + 1,
      sequenceLast: await highestSequence(fs, files, index + 1, sequence, seen),
    },
    soundEnd: reader.expected - 1 === sequence ? reader.soundEnd : null,
    refusal: reader.unreadable,
  };
}

/**
 * A header that is damaged, unreadable or not ours is corruption. A header that is too new is not; nor is any other
 * error.
 */
export async function unusableHeader(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  sequence: number,
  known: number,
  error: unknown,
): Promise<Corruption> {
  const foreign = error instanceof ForeignFormatError;
  const refusal = isUnreadable(error) ? error as MinistateError : null;
  if (!(error instanceof CorruptionError) && !foreign && refusal === null) throw error;
  const named = files.segments[index]!;
  return {
    label: foreign ? FOREIGN_SEGMENT : refusal ? "unreadable segment" : "damaged header",
    says: foreign
      ? "it was not written by this journal"
      : refusal
      ? "the disk refuses to give its first line"
      : "its first line is damaged, which a power cut can't do",
    index,
    path: named.path,
    offset: 0,
    lost: {
      sequenceFirst: sequence + 1,
      sequenceLast: await highestSequence(fs, files, index, sequence, known),
    },
    soundEnd: null,
    refusal,
  };
}

/**
 * The highest sequence above `base` that the segments from `index` on hold or name, or that is `known`; `null` if none.
 */
async function highestSequence(
  fs: DurableFs,
  files: StateFiles,
  index: number,
  base: number,
  known: number,
): Promise<number | null> {
  let highest = Math.max(base, known);
  for (const named of files.segments.slice(index)) {
    const isLast = named === files.segments.at(-1);
    // The existence of a segment proves all sequences before it.
    highest = Math.max(highest, named.sequence - 1);
    highest = Math.max(highest, await sequenceTold(fs, named, isLast));
  }
  return highest > base ? highest : null;
}

/** The highest sequence that a segment holds or names; 0 if none. */
async function sequenceTold(fs: DurableFs, named: NamedFile, isLast: boolean): Promise<number> {
  let reader: SegmentReader;
  try {
    reader = await SegmentReader.open(fs, named);
  } catch (error) {
    // A segment that can't be read has no sequences to report; the report then leaves the last one open.
    const damaged = error instanceof CorruptionError || error instanceof ForeignFormatError;
    if (damaged || isFilesOwn(error)) return 0;
    throw error;
  }
  try {
    await readWhatIsSound(reader, () => {});
    const highest = reader.expected - 1;
    if (!endsUnsound(reader)) return highest;
    const aftermath = await scanAftermath(reader, reader.soundEnd, fs.crc32);
    return Math.max(highest, sequenceNamed(aftermath, isLast));
  } finally {
    await reader.close();
  }
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
