/**
 * The interface through which followers receive records.
 *
 * @module
 */

import type { VersionedRecord } from "./journal_cursor.ts";

/** Records in order. One call of `fetch` at a time. */
export interface RecordSource {
  /** The next record, if it is available. No one else holds a reference to its mutation. */
  take(): VersionedRecord | null;
  /** Reads or waits for more; then try `take` again. `false` when no more will come. */
  fetch(): Promise<boolean>;
  /** Ends a `fetch` that waits, and releases everything. Called once. */
  stop(): void;
}
