/**
 * Begins a journal with a given state, in place of the state that is there, if any. One rename decides between the two.
 *
 * @module
 */

import { editionOf, inEdition } from "../disk/editions.ts";
import { EDITION_MAX, segmentFile, type StateFiles } from "../disk/names.ts";
import { isEmptyFile } from "../disk/sync_file.ts";
import { CorruptionError, IoError } from "../errors.ts";
import { readClock } from "../format/format.ts";
import { drawId, type JournalIdentity, segmentHeader } from "../journal/journal_identity.ts";
import type { StateDirectory } from "../journal/state_directory.ts";
import { type InitialLines, writeInitialSegment } from "../snapshot/initial_segment.ts";
import { setSupersededAside } from "./aside_unneeded.ts";
import { checkIdentity, contestedError, readIdentity } from "./identity.ts";

/** What was begun. */
export interface Begun {
  /** The segment that holds the state. */
  path: string;
  /** Its size in bytes. */
  size: number;
  /** Where the files of the state before are now. */
  setAside: string[];
  /** Those of them that only fsck can move away; they are ignored. */
  stays: string[];
}

/** Whose state a directory is to hold. */
export interface Owner {
  name: string;
  version: number;
}

/**
 * Whether a directory holds nothing that a state may be in. An empty first segment was never begun: that is what a power
 * cut on FAT leaves of it.
 */
export async function isUntouched(
  { fs }: StateDirectory,
  { segments, snapshots, superseded }: StateFiles,
): Promise<boolean> {
  if (snapshots.length + superseded.length > 0) return false;
  for (const { path, sequence } of segments) {
    if (sequence !== 1 || !await isEmptyFile(fs, path)) return false;
  }
  return true;
}

/**
 * Makes sure that a state may be replaced, which only its own program may do.
 *
 * @throws {ForeignFormatError} when another program wrote it, or files of two journals are there
 * @throws {TooNewError} when a newer version wrote it
 * @throws {CorruptionError} when no file says whose it is
 */
export async function refuseStranger(
  { fs, path }: StateDirectory,
  files: StateFiles,
  owner: Owner,
): Promise<void> {
  const stored = await readIdentity(fs, files);
  if (stored?.contested) throw contestedError(path);
  checkIdentity(stored, owner, path);
  if (stored !== null) return;
  throw new CorruptionError(
    `No file in "${path}" says any longer whose state it is, so it is not replaced: ` +
      'nothing was changed; run "ministate repair" to set the damaged files aside first',
    { path, operation: "open", lost: { sequenceFirst: 1, sequenceLast: null } },
  );
}

/**
 * Begins the journal. Its first segment is of the next edition, and so supersedes every file of the state before: until
 * it has its name, that state counts, and from then on the new one. What was superseded is then moved to the quarantine.
 *
 * The journal has an identity of its own, as after damage that took the last header: whoever follows the one before
 * learns that it is gone, and no file of it that fsck restores can count.
 *
 * @throws {MinistateError} before the new segment has its name, when it can't have it; nothing was changed
 */
export async function beginWith(
  directory: StateDirectory,
  owner: Owner,
  initial: InitialLines,
): Promise<Begun> {
  const { fs, path, stem } = directory;
  const files = await directory.list();
  const isReplaced = !await isUntouched(directory, files);
  if (isReplaced) await refuseStranger(directory, files, owner);
  await directory.removeTemporary(files);
  const { segments, snapshots, superseded, editionFirsts } = files;
  const edition = editionOf({ segments: [...segments, ...superseded], snapshots });
  if (isReplaced && edition >= EDITION_MAX) throw usedUp(path);
  const before = { edition, editionFirsts, idRenewed: isReplaced };
  const identity: JournalIdentity = {
    ...(isReplaced ? inEdition(before, edition + 1) : before),
    directory: path,
    stem,
    id: drawId(),
    mutator: owner.name,
    version: owner.version,
  };
  const header = segmentHeader(identity, 1, { checksum: null }, readClock(Date.now));
  // The directory first: if its name is lost, the state in it is lost as well.
  await directory.syncAncestors();
  const file = segmentFile(identity, 1);
  const size = await writeInitialSegment(fs, path, file, header, initial);
  directory.files.belongTo(identity.id);
  const { moved, stuck } = await setSupersededAside(directory);
  return { path: file.path, size, setAside: moved, stays: stuck };
}

function usedUp(path: string): IoError {
  return new IoError(
    `Cannot replace the state in "${path}": it was continued beside other files ${EDITION_MAX} times, and there is no ` +
      "name for another; nothing was changed: remove the directory, and begin it again",
    { path, operation: "begin" },
  );
}
