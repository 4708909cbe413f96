/**
 * Where followers get their records from, as an interface.
 *
 * @module
 */

import type { VersionedRecord } from "./journal_cursor.ts";

/** Records in order. One call of `fetch` at a time. */
export interface RecordSource {
  /** The next record if it is at hand; nobody else holds its mutation. */
  take(): VersionedRecord | null;
  /** Reads, or waits for, more: then `take` is worth another try. `false` when no more will come. */
  fetch(): Promise<boolean>;
  /** Ends a `fetch` that waits, and lets go of everything. Called once. */
  stop(): void;
}
