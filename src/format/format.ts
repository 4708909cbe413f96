/**
 * The constants and line shapes of the files on disk, shared by their writers and readers. See docs/format.md.
 *
 * @module
 */

import type { SequenceSpan } from "./ranges.ts";
import type { CompactionFailure } from "./compaction_failure.ts";
import type { WriteTotals } from "./write_totals.ts";

/** The format version written into every header. A higher version is refused. */
export const FORMAT = 1;

/** The longest line, in bytes. A mutation whose record would be longer is refused before it is written. */
export const LINE_SIZE_MAX = 8 * 1024 * 1024;

/** The largest batch, in bytes. It limits what a scan holds in memory at once. */
export const BATCH_SIZE_MAX = 16 * 1024 * 1024;

/**
 * What the notes of a batch may take besides its mutations, in bytes. A batch that several calls share holds at most
 * 1 MiB, counted with at least 64 bytes for each line, and in the worst case the list of what was refused in it takes
 * a fourth of that, and so does the list of its groups. A larger batch is one group.
 */
export const NOTES_SIZE_MAX = 512 * 1024;

/** The longest line of a single mutation, in bytes: as the last of a batch, it has the notes as well. */
export const RECORD_SIZE_MAX = LINE_SIZE_MAX - NOTES_SIZE_MAX;

/** The longest header line, in bytes. */
export const HEADER_SIZE_MAX = 4096;

/** The longest mutator name, in characters. */
export const MUTATOR_NAME_SIZE_MAX = 128;

/** The least and the most that is prefilled with line feeds each time a segment runs out of space. */
export const FILL_SIZE_MIN = 64 * 1024;
export const FILL_SIZE_MAX = 1024 * 1024;

/**
 * The part of the fill that batches never use. It is given back when a disk is full, so that a snapshot still fits and
 * compaction can free the rest. A seal fits in it too.
 */
export const FILL_RESERVE = 16 * 1024;

/** The largest unacknowledged tail that a power cut can leave: one batch and the fill written with it. */
export const TORN_SIZE_MAX = BATCH_SIZE_MAX + 2 * FILL_SIZE_MAX;

/** Snapshot lines are split at about this weight (characters and nodes), so that no line grows with the state. */
export const SNAPSHOT_LINE_WEIGHT = 16 * 1024;

/** The highest sequence of a mutation. The name of the segment after it still holds an exact number. */
export const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER - 1;

/** The deepest nesting of a mutation. */
export const DEPTH_MAX = 500;

/**
 * The deepest nesting of a state. A mutation of any depth, even if stored far down, still leaves a state that a
 * snapshot can hold. `structuredClone` overflows the stack at about 3,500 on Node and Deno.
 */
export const STATE_DEPTH_MAX = 1000;

/** How many editions' beginnings a header names: those of the newest ones. */
export const EDITION_FIRSTS_MAX = 16;

/** Stands for the first sequence of an edition that no segment has begun yet. No record has this sequence. */
export const NOT_BEGUN = SEQUENCE_MAX + 1;

export const LINE_FEED = 0x0a;

/** `,"crc":"xxxxxxxx"}` and a line feed: how every control line ends. */
export const CONTROL_TAIL_SIZE = 19;

/** `"xxxxxxxx"]` and a line feed: how the last line of every batch ends. */
export const BATCH_TAIL_SIZE = 12;

/** What seals and segment headers record about the directory, at no write of their own. */
export interface DirectoryNotes {
  /** What it had written until then. If a header lacks it, counting begins there. */
  written?: WriteTotals | undefined;
  /** Why the last compaction failed; missing when it did not. */
  compactionFailure?: CompactionFailure | undefined;
}

/** First line of a segment. */
export interface SegmentHeader extends DirectoryNotes {
  ministate: "journal";
  format: number;
  /** Sixteen hexadecimal digits drawn when the journal was created; the same in all its files. */
  id: string;
  /** The sequence of the first record the segment may hold. */
  first: number;
  /** As in the file's name; 1 if missing. A copy under the name of a later edition doesn't count as that edition. */
  edition?: number;
  /** Where this edition and those before it began, the newest last; missing in edition 1. */
  editionFirsts?: readonly number[];
  /** Whether the id was drawn again: no header could be read, or the state was replaced. Usually missing. */
  idRenewed?: boolean;
  /**
   * The checksum of the batch before the segment, in eight hexadecimal digits; `null` when it was not known, and missing
   * in a segment that nothing comes before.
   */
  after?: string | null | undefined;
  /** The name and version of the mutator that wrote the records. */
  mutator: string | null;
  version: number;
  timestamp: number;
  /** The mutations of the batch before it that were refused; missing when there are none. */
  refused?: readonly SequenceSpan[];
  /** Whether the header doesn't say what became of that batch; usually missing. */
  undecided?: boolean;
  /** The size of the initial state after the header, in bytes. Missing in a journal without a state, and later on. */
  initial?: number;
}

/** First line of a snapshot. */
export interface SnapshotHeader {
  ministate: "snapshot";
  format: number;
  id: string;
  /** The snapshot holds the state after this sequence. */
  sequence: number;
  /** As in the file's name; 1 if missing. */
  edition?: number;
  /** As in a segment's header. */
  editionFirsts?: readonly number[];
  /** Whether the id was drawn again: no header could be read, or the state was replaced. Usually missing. */
  idRenewed?: boolean;
  /** The checksum of the batch that the state is after; missing when it was not known. */
  after?: string | undefined;
  mutator: string | null;
  version: number;
  timestamp: number;
}

/** One record as read back and verified. */
export interface JournalRecord {
  /** The record's number: 1, 2, 3 … without a gap. */
  sequence: number;
  /** Milliseconds since 1970 by the clock of the machine that wrote it. It has no effect on the order. */
  timestamp: number;
  /** The mutation, as parsed from JSON. */
  mutation: unknown;
}

/** The time for a header or batch, in whole milliseconds; 0 when the clock throws or returns an invalid time. */
export function readClock(clock: () => number): number {
  try {
    const time = Math.trunc(clock());
    return Number.isSafeInteger(time) ? time : 0;
  } catch {
    // Nothing depends on the time, so this is no reason to refuse a mutation.
    return 0;
  }
}

/** Checks that a value read from a file is a sequence or count: an integer from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Checks what a header says about its edition: nothing in edition 1, and otherwise as many beginnings as it must have.
 *
 * @param firstMax the latest sequence at which the file's own edition can have begun
 */
export function isEdition(
  { edition, editionFirsts }: { edition?: unknown; editionFirsts?: unknown },
  firstMax: number,
): boolean {
  if (edition === undefined) return editionFirsts === undefined;
  if (!isCount(edition) || edition < 2 || !Array.isArray(editionFirsts)) return false;
  return editionFirsts.length === Math.min(edition - 1, EDITION_FIRSTS_MAX) &&
    editionFirsts.every((first) => isCount(first) && first > 0) &&
    editionFirsts[editionFirsts.length - 1] <= firstMax;
}
