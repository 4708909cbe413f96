/**
 * Identifies the journal in a directory by the headers of its files, and refuses one written by another mutator.
 *
 * @module
 */

import { BY_OPTION } from "../advice.ts";
import type { DurableFs } from "../durable_fs.ts";
import { ForeignFormatError, TooNewError } from "../errors.ts";
import type { SegmentHeader } from "../format/format.ts";
import type { NamedFile, StateFiles } from "../disk/names.ts";
import { type Header, headerError, kindOf, readHeaderOf } from "../disk/header_file.ts";
import { isFilesOwn, isUnreadable } from "../disk/refusals.ts";
import type { WriteTotals } from "../format/write_totals.ts";

/** Who wrote a journal, according to its readable headers. */
export interface StoredIdentity {
  id: string;
  mutator: string | null;
  version: number;
  /** Whether as many headers belong to another journal, so that nothing decides whose directory it is. */
  contested: boolean;
  /** The totals of earlier writing in the newest segment with a readable header. */
  written: WriteTotals | undefined;
}

/**
 * Reads the headers of all files; `null` for a new journal.
 *
 * A directory belongs to the journal that most of its headers name, not to that of the newest file: otherwise a single
 * stray file would make all the others foreign. On a tie the oldest segment's journal wins and the result is
 * `contested`. A file whose name doesn't match its header counts only if there is no other.
 *
 * @throws {TooNewError} when a newer version of this library wrote one of them
 * @throws {IoError} when the system refuses a read for a reason other than the file itself, or when the disk can read
 * none of several files: then the disk is at fault, and no file is given up because of it
 */
export async function readIdentity(
  fs: DurableFs,
  files: StateFiles,
): Promise<StoredIdentity | null> {
  const placed: Header[] = [], misplaced: Header[] = [];
  const refusals: unknown[] = [];
  // Snapshots first, so that the mutator and version of the newest segment come last and win.
  const all = [...files.snapshots, ...files.segments];
  for (const named of all) {
    const header = await usable(fs, named, refusals);
    if (header === null) continue;
    (isPlaced(header, named) ? placed : misplaced).push(header);
  }
  if (all.length > 1 && refusals.length === all.length) throw refusals[0];
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
  return { id, mutator, version, contested: own.length < leading.length, written };
}

function isPlaced(header: Header, { sequence, edition }: NamedFile): boolean {
  if (!isSegment(header)) return header.sequence === sequence;
  return header.first === sequence && (header.edition ?? 1) === edition;
}

function isSegment(header: Header): header is SegmentHeader {
  return header.ministate === "journal";
}

/**
 * Reads one header; `null` when it is damaged, unreadable or foreign. That is judged later, where the file is needed.
 */
async function usable(
  fs: DurableFs,
  named: NamedFile,
  refusals: unknown[],
): Promise<Header | null> {
  try {
    const reading = await readHeaderOf(fs, named, kindOf(named));
    if (reading.kind === "newer") throw headerError("newer", named, reading.format);
    return reading.kind === "sound" ? reading.header : null;
  } catch (error) {
    if (!isFilesOwn(error)) throw error;
    if (isUnreadable(error)) refusals.push(error);
    return null;
  }
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
  if (stored.version > wanted.version) {
    throw new TooNewError(
      `The state in "${path}" was written by version ${stored.version} of the mutator, and this is version ${wanted.version}: ` +
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
