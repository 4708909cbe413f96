/**
 * Rebuilds past states from the files that are kept.
 *
 * @module
 */

import { HistoryGoneError } from "../errors.ts";
import { JournalCursor } from "../journal/journal_cursor.ts";
import type { StateMachine } from "./mutator.ts";
import { PIECE_SIZE } from "../snapshot/snapshot_file.ts";
import { readNewestSnapshot } from "../recovery/snapshot_facts.ts";
import type { StateDirectory } from "../journal/state_directory.ts";

/**
 * Checks that the state has reached a sequence.
 *
 * @param last the newest sequence
 * @throws {RangeError} when it has not
 */
export function checkPast(sequence: number, last: number): void {
  if (Number.isSafeInteger(sequence) && sequence >= 0 && sequence <= last) return;
  throw new RangeError(
    `"sequence" must be a whole number from 0 to ${last}, got ${String(sequence)}`,
  );
}

/**
 * Rebuilds the state after `sequence` in `machine`.
 *
 * @throws {HistoryGoneError} when the kept snapshots and journal don't lead there
 */
export async function rebuildState<S, M, R>(
  directory: StateDirectory,
  machine: StateMachine<S, M, R>,
  sequence: number,
): Promise<S> {
  const { files } = directory;
  const limits = { atMost: sequence, pieceSize: PIECE_SIZE };
  const { found } = await files.read(async () =>
    await readNewestSnapshot(files.fs, await files.list(), files.id, limits)
  );
  if (found !== null) machine.restore(found.state, found.header.version, found.file.sequence);
  const cursor = new JournalCursor(files, (found?.file.sequence ?? 0) + 1);
  try {
    while (cursor.next <= sequence) {
      const records = await cursor.read();
      if (records === null) throw gone(directory, sequence);
      for (const record of records) {
        if (record.sequence > sequence) break;
        machine.replay(record.sequence, record.timestamp, record.mutation, record.version);
      }
    }
  } finally {
    await cursor.close();
  }
  return machine.state;
}

function gone(directory: StateDirectory, sequence: number): HistoryGoneError {
  return new HistoryGoneError(
    `The journal in "${directory.path}" does not reach sequence ${sequence}`,
    {
      path: directory.path,
      sequence,
    },
  );
}
