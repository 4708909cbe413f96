/**
 * The errors for files of another history: they have the journal's identity, as in a copy of the directory that was
 * written to, but they don't continue what is here.
 *
 * @module
 */

import { CorruptionError } from "../errors.ts";
import type { NamedFile } from "../disk/names.ts";

/** What is wrong with a segment of another history, as part of a message. */
export const OTHER_HISTORY =
  "it is of another history: it does not continue the batch before it, as if it came from a copy of this directory";

/** What is wrong with a snapshot of another history, as part of a message. */
export const SNAPSHOT_OF_OTHER_HISTORY =
  "it is of another history than the journal, as if it came from a copy of this directory";

/** The error for a reader that comes to a segment of another history. */
export function segmentOfOtherHistory({ path }: NamedFile, sequence: number): CorruptionError {
  return new CorruptionError(
    `Cannot read "${path}" from sequence ${sequence} on: ${OTHER_HISTORY}: ` +
      'run "ministate verify" to see what is affected, and move the file back to where it came from',
    {
      path,
      offset: 0,
      sequence,
      operation: "read",
      lost: { sequenceFirst: sequence, sequenceLast: null },
    },
  );
}

/** The error for a snapshot of another history. It has no offset, because all of the file is sound. */
export function snapshotOfOtherHistory({ path, sequence }: NamedFile): CorruptionError {
  return new CorruptionError(
    `The snapshot "${path}" is not used: ${SNAPSHOT_OF_OTHER_HISTORY}; an older one and the journal replace it`,
    {
      path,
      sequence,
      operation: "read",
      lost: { sequenceFirst: sequence, sequenceLast: sequence },
    },
  );
}
