/**
 * What a journal's writer is given when it is made.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import type { CompactionFailure } from "../format/compaction_failure.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import type { WriteCounter } from "../wear/stats.ts";
import type { Stall, WaitingMax } from "../options.ts";

/** The settings a writer needs. */
export interface WriterSettings {
  fs: DurableFs;
  segmentSizeMax: number;
  recordSizeMax: number;
  sealAfterIdleMs: number | null;
  waitingMax: WaitingMax;
  onStall?: ((stall: Stall) => void) | undefined;
  stallAfterMs: number;
  clock: () => number;
  writeCounter: WriteCounter;
  /** The initial state's lines, for a segment that nothing comes before; `null` for a journal without a state. */
  initial: () => Iterable<string> | null;
}

/** How a journal ends. */
export interface JournalEnd {
  /** The last sequence. */
  sequence: number;
  /** Whether the segment ends with a seal, so that closing at once needs no other. */
  sealed: boolean;
  /** The mutations of the last batch that were refused; `null` when that isn't known. */
  refused: readonly SequenceSpan[] | null;
  /** Whether a line says so. */
  isListed: boolean;
}

/** What the last seal of a journal says. */
export interface LastSeal {
  sequence: number;
  /** How many writes it counts since the journal was opened; `null` for a seal of an earlier process. */
  writes: number | null;
  /** The failed compaction that it names. */
  failure: CompactionFailure | null;
}
