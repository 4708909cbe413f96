/**
 * Identifies the journal in a directory by the headers of its files, and refuses one written by another mutator.
 *
 * @module
 */

import { BY_OPTION } from "../advice.ts";
import type { DurableFs } from "../durable_fs.ts";
import { ForeignFormatError, type MinistateError, TooNewError } from "../errors.ts";
import type { SegmentHeader } from "../format/format.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { type Header, headerError, isPlaced, kindOf, readHeaderOf } from "../disk/header_file.ts";
import { isFilesOwn, isUnreadable } from "../disk/refusals.ts";
import type { WriteTotals } from "../format/write_totals.ts";

/** Who wrote a journal, according to its readable headers. */
export interface StoredIdentity {
  id: string;
  mutator: string | null;
  version: number;
  /** The highest version that any of the files is of: a snapshot may be of a later one than the newest segment. */
  versionHighest: number;
  /** Files of a later version than this are not used. */
  versionMax: number;
  /** Whether as many headers belong to another journal, so that nothing decides whose directory it is. */
  contested: boolean;
  /** Whether the id was drawn when no header could be read. */
  idRenewed: boolean;
  /** The totals of earlier writing in the newest segment with a readable header. */
  written: WriteTotals | undefined;
}

/** The first line of one file. */
export interface HeaderFacts {
  file: NamedFile;
  /** `null` when it is damaged, unreadable or foreign. That is judged later, where the file is needed. */
  header: Header | null;
  /** The disk's refusal to give it, if there was one. */
  refusal: MinistateError | null;
}

/**
 * Reads the headers of all files; `null` for a new journal.
 *
 * @param versionMax the latest version of the mutator whose files count
 * @throws {TooNewError} when a newer version of this library wrote one of them
 * @throws {IoError} when the system refuses a read for a reason other than the file itself, or when the disk can read
 * none of several files
 */
export async function readIdentity(
  fs: DurableFs,
  { snapshots, segments }: StateFiles,
  versionMax = Infinity,
): Promise<StoredIdentity | null> {
  const headers: HeaderFacts[] = [];
  for (const file of [...snapshots, ...segments]) headers.push(await headerFacts(fs, file));
  return identityOf(headers, versionMax);
}

async function headerFacts(fs: DurableFs, file: NamedFile): Promise<HeaderFacts> {
  try {
    const reading = await readHeaderOf(fs, file, kindOf(file));
    if (reading.kind === "newer") throw headerError("newer", file, reading.format);
    return { file, header: reading.kind === "sound" ? reading.header : null, refusal: null };
  } catch (error) {
    if (!isFilesOwn(error)) throw error;
    return { file, header: null, refusal: isUnreadable(error) ? error as MinistateError : null };
  }
}

/**
 * Whose files they are; `null` when no header says.
 *
 * A directory belongs to the journal that most of its headers name, not to that of the newest file: otherwise a single
 * stray file would make all the others foreign. On a tie the oldest segment's journal wins and the result is
 * `contested`. A file whose name doesn't match its header counts only if there is no other.
 *
 * @param all the snapshots before the segments, so that the mutator and version of the newest segment win
 * @param versionMax the latest version of the mutator whose files count
 * @throws {IoError} when the disk can read none of several files: then the disk is at fault, and no file is given up
 * because of it
 */
export function identityOf(all: HeaderFacts[], versionMax = Infinity): StoredIdentity | null {
  if (all.length > 1 && all.every(({ refusal }) => refusal !== null)) throw all[0]!.refusal!;
  const placed: Header[] = [], misplaced: Header[] = [];
  for (const { file, header } of all) {
    if (header !== null && header.version <= versionMax) {
      (isPlaced(header, file) ? placed : misplaced).push(header);
    }
  }
  const headers = placed.length > 0 ? placed : misplaced;
  const counts = new Map<string, number>();
  for (const { id } of headers) counts.set(id, (counts.get(id) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  const leading = headers.filter(({ id }) => counts.get(id) === most);
  const first = leading.find(({ ministate }) => ministate === "journal") ?? leading[0];
  if (first === undefined) return null;
  const own = leading.filter((header) => header.id === first.id);
  const { id, mutator, version } = own.at(-1)!;
  const { written } = own.findLast(isSegment) ?? {};
  const idRenewed = own.some((header) => header.idRenewed === true);
  const contested = own.length < leading.length;
  const versionHighest = Math.max(...own.map((header) => header.version));
  return { id, mutator, version, versionHighest, versionMax, contested, idRenewed, written };
}

function isSegment(header: Header): header is SegmentHeader {
  return header.ministate === "journal";
}

/**
 * Refuses a directory of another mutator, or of a newer version of this one.
 *
 * @throws {ForeignFormatError} when another mutator wrote it
 * @throws {TooNewError} when a newer version wrote it
 */
export function checkIdentity(
  stored: StoredIdentity | null,
  wanted: { name: string | null; version: number },
  path: string,
): void {
  if (stored === null) return;
  if (stored.mutator !== wanted.name) {
    const found = stored.mutator === null
      ? "a mutator without a name"
      : `the mutator "${stored.mutator}"`;
    const given = wanted.name === null ? "one without a name" : `"${wanted.name}"`;
    throw new ForeignFormatError(
      `The state in "${path}" belongs to ${found}, and this is ${given}: open it with its own mutator; nothing was changed`,
      { path, operation: "open" },
    );
  }
  // Not only the newest segment: the snapshot of an update that was cut short, or rolled back in part, is a later version's.
  const { versionHighest } = stored;
  if (versionHighest > wanted.version) {
    throw new TooNewError(
      `The state in "${path}" was written by version ${versionHighest} of the mutator, and this is version ${wanted.version}: ` +
        "update the program; nothing was changed",
      { path, operation: "open" },
    );
  }
}

/** What is wrong with a directory in which two journals have the same number of files. */
export const CONTESTED =
  "it holds files of two journals, and it is not known which of them belong here";

/** The error for such a directory. */
export function contestedError(path: string): ForeignFormatError {
  return new ForeignFormatError(
    `Cannot open "${path}": ${CONTESTED}. Nothing was changed: ` +
      `move those of one journal away, or run "ministate repair"${BY_OPTION.quarantine} to set aside what can't be used`,
    { path, operation: "open" },
  );
}
