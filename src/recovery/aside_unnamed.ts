/**
 * Sets aside a whole state when no file shows any longer whose it is.
 *
 * @module
 */

import type { SequenceRange } from "./corruption.ts";
import type { Inspection } from "./inspection.ts";
import { writeReport } from "./quarantine.ts";
import { moveUnneeded, QuarantineNames } from "./quarantine_folder.ts";
import { isStuck } from "../disk/refusals.ts";
import type { StateDirectory } from "../journal/state_directory.ts";

/** What was done with the files of such a state. */
export interface Unnamed {
  /** What can no longer be proven. */
  lost: SequenceRange | null;
  /** Where the files are now. */
  setAside: string[];
  /** What only fsck can move away. While it is there, the next open refuses the directory. */
  stays: string[];
}

/**
 * Moves every file of the state away and begins none: a journal begun here would have no mutator's name, and so be
 * refused to every program whose mutator has one. The next program that opens the directory begins its own.
 *
 * Whenever the power goes, what is still in place is as damaged as before, or nothing is left of it. The report comes
 * first, and superseded files before those that took over from them: they must not count again.
 */
export async function setUnnamedAside(
  directory: StateDirectory,
  { findings, nextOpen }: Inspection,
): Promise<Unnamed> {
  const { lost } = nextOpen;
  const files = await directory.list();
  if (lost !== null) {
    const { path, offset, reason } = findings.find(({ needed }) => needed)!;
    const names = await QuarantineNames.open(directory);
    await writeReport(directory, names, {
      ...lost,
      path,
      offset: offset ?? 0,
      reason,
      quarantined: [],
    });
    await directory.fs.syncDirectory(names.folder);
  }
  const setAside: string[] = [], stays: string[] = [];
  for (const part of [files.superseded, [...files.segments, ...files.snapshots]]) {
    if (stays.length > 0) break;
    for (const { path, error } of await moveUnneeded(directory, part)) {
      if (error === null) setAside.push(path);
      else if (isStuck(error)) stays.push(path);
      else throw error;
    }
  }
  return { lost, setAside, stays };
}
