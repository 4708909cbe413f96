/**
 * What a journal's writer is given when it is made.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import type { SequenceSpan } from "../format/ranges.ts";
import type { WriteCounter } from "../wear/stats.ts";

/** The settings a writer needs. */
export interface WriterSettings {
  fs: DurableFs;
  segmentSizeMax: number;
  recordSizeMax: number;
  sealAfterIdleMs: number | null;
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
