/**
 * File names: maps a name to its journal and sequence, and back.
 *
 * @module
 */

import { ForeignFormatError } from "../errors.ts";
import { ioError } from "../failures.ts";
import type { DirectoryEntry, DurableFs } from "../durable_fs.ts";
import { SEQUENCE_MAX } from "../format/format.ts";

/** The folder, inside the state directory, for everything set aside as damaged or torn. */
export const QUARANTINE = "quarantine";

/** The folders to use where only fsck can mend the ones before, in order. */
export const QUARANTINES: readonly string[] = [
  QUARANTINE,
  ...[2, 3, 4].map((number) => `${QUARANTINE}-${number}`),
];

/** Whether damaged files are set aside under this name. */
export function isQuarantine(name: string): boolean {
  return QUARANTINES.includes(name);
}

/** The file that the one writer keeps locked. It is never deleted. */
export const LOCK_NAME = "ministate.lock";

const SEGMENT_SUFFIX = ".wal.jsonl";
/** The suffix of every snapshot's name. */
export const SNAPSHOT_SUFFIX = ".snapshot.jsonl";
const TEMPORARY_SUFFIX = ".tmp";
const SEQUENCE_DIGITS = 16;
/** The highest edition that a file name can hold. */
export const EDITION_MAX = 9999;
const NAME_SIZE_MAX = 128;

/** What every name of ours begins with. Such names need no special care in a shell or terminal. */
const STEM = `[A-Za-z0-9_][A-Za-z0-9._-]{0,${NAME_SIZE_MAX - 1}}`;
const WHOLE_STEM = new RegExp(`^${STEM}$`);

/**
 * A final name of ours. Other programs put files beside ours whose names end the same way: `._x-…` (a Mac, on FAT and
 * exFAT), `.syncthing.x-…`, `Copy of x-…`. None of them begins as a journal's name may, so all are left alone.
 */
const OWN_NAME = new RegExp(
  `^(${STEM})-(\\d{16})(?:\\.([2-9]|[1-9]\\d{1,3}))?(\\.wal\\.jsonl|\\.snapshot\\.jsonl)$`,
);

/**
 * A segment or snapshot, by its name. `sequence` is the first that a segment may hold, or the one a snapshot was taken
 * at.
 */
export interface NamedFile {
  name: string;
  path: string;
  sequence: number;
  /** 1, unless the journal was continued beside a damaged file that could not be moved away. */
  edition: number;
}

/** The contents of a state directory, by name alone. Segments and snapshots are in ascending order. */
export interface SortedNames {
  directory: string;
  stem: string;
  segments: NamedFile[];
  snapshots: NamedFile[];
  /** Files that never got their final name. */
  temporary: string[];
}

/** The files of a state directory that count, and those that don't. */
export interface StateFiles extends SortedNames {
  /** Files that a later edition has replaced. They could not be moved away, and are ignored. */
  superseded: NamedFile[];
  /** Where the newest editions began, the current one last; empty in edition 1. */
  editionFirsts: number[];
  /** Whether its id was drawn again: superseded files may have another. */
  idRenewed: boolean;
}

/** Joins a directory and a name. */
export function joinPath(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

/** The directory that holds `path`, or `null` for a root or a bare name. */
export function parentOf(path: string): string | null {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  if (slash < 0) return trimmed === "" || trimmed === "." ? null : ".";
  return slash === 0 ? "/" : trimmed.slice(0, slash);
}

/** Checks a journal's name and strips `.wal.jsonl` or `.jsonl`. What is left is the prefix of every file's name. */
export function stemOf(journalName: string): string {
  if (typeof journalName !== "string") throw new TypeError("The journal's name must be a string");
  const stem = journalName.replace(/\.jsonl$/, "").replace(/\.wal$/, "");
  // Names stay inside the directory.
  if (!WHOLE_STEM.test(stem)) {
    throw new TypeError(
      `The journal's name must be letters, digits, ".", "_" and "-", not begin with "." or "-", and have at most ${NAME_SIZE_MAX} characters, ` +
        `such as "counter.wal.jsonl"; got ${JSON.stringify(journalName.slice(0, 200))}`,
    );
  }
  return stem;
}

/** Checks the path of a state directory. */
export function checkDirectory(directory: string): string {
  if (typeof directory !== "string" || directory === "" || directory.includes("\0")) {
    throw new TypeError("The state directory must be a non-empty path");
  }
  return directory;
}

/** Where a journal's new files go, and how they are named. */
export interface FileNaming {
  directory: string;
  stem: string;
  /** The journal's current edition. */
  edition: number;
}

function nameFile(
  { directory, stem, edition }: FileNaming,
  sequence: number,
  suffix: string,
): NamedFile {
  const digits = String(sequence).padStart(SEQUENCE_DIGITS, "0");
  const name = `${stem}-${digits}${edition === 1 ? "" : `.${edition}`}${suffix}`;
  return { name, path: joinPath(directory, name), sequence, edition };
}

/** The segment whose first sequence is `first`. */
export function segmentFile(files: FileNaming, first: number): NamedFile {
  return nameFile(files, first, SEGMENT_SUFFIX);
}

/** The snapshot of the state after `sequence`. */
export function snapshotFile(files: FileNaming, sequence: number): NamedFile {
  return nameFile(files, sequence, SNAPSHOT_SUFFIX);
}

/**
 * Where a file is written before it is synced and renamed to its final name. Where that name is taken for good, it can
 * be applied again, to the temporary path.
 */
export function temporaryPath(path: string): string {
  return path + TEMPORARY_SUFFIX;
}

/** The final name of a file, whether or not it has been renamed yet. */
export function finalPath(path: string): string {
  let final = path;
  while (final.endsWith(TEMPORARY_SUFFIX)) final = final.slice(0, -TEMPORARY_SUFFIX.length);
  return final;
}

/** Whether a name in a state directory is one of ours, of any journal. */
export function isOwnName(name: string): boolean {
  return OWN_NAME.test(finalPath(name)) || name === LOCK_NAME || isQuarantine(name);
}

/** Sorts a directory's names into the segments, snapshots and leftovers of the journal `stem`. */
export function sortNames(directory: string, stem: string, entries: DirectoryEntry[]): SortedNames {
  const segments: NamedFile[] = [], snapshots: NamedFile[] = [], temporary: string[] = [];
  for (const { name, kind } of entries) {
    if (name.endsWith(TEMPORARY_SUFFIX)) {
      const [, owner] = OWN_NAME.exec(finalPath(name)) ?? [];
      // Temporary files are deleted, so take only those that this journal made.
      if (owner === stem && kind === "file") temporary.push(joinPath(directory, name));
      continue;
    }
    const match = OWN_NAME.exec(name);
    if (match === null) continue;
    const sequence = Number(match[2]);
    if (match[1] !== stem) {
      throw new ForeignFormatError(
        `The directory "${directory}" holds the journal "${
          match[1]
        }${SEGMENT_SUFFIX}", not "${stem}${SEGMENT_SUFFIX}": ` +
          "one directory holds one journal; use its name, or another directory",
        { path: joinPath(directory, name) },
      );
    }
    // After a snapshot comes a segment, named after the next sequence.
    const isSegment = match[4] === SEGMENT_SUFFIX;
    const max = isSegment ? SEQUENCE_MAX + 1 : SEQUENCE_MAX;
    if (sequence > max) {
      throw new ForeignFormatError(
        `The file "${
          joinPath(directory, name)
        }" is named after a sequence beyond ${max}, the highest one possible: no journal created it. ` +
          "Nothing was changed; move it out of the directory",
        { path: joinPath(directory, name) },
      );
    }
    const edition = Number(match[3] ?? 1);
    const file = { name, path: joinPath(directory, name), sequence, edition };
    (isSegment ? segments : snapshots).push(file);
  }
  segments.sort((a, b) => a.sequence - b.sequence);
  snapshots.sort((a, b) => a.sequence - b.sequence);
  return { directory, stem, segments, snapshots, temporary };
}

/** The name of the journal in a directory, or `null` if there is none. */
export async function findJournalName(fs: DurableFs, directory: string): Promise<string | null> {
  let entries: DirectoryEntry[];
  try {
    entries = await fs.list(directory);
  } catch (error) {
    throw ioError("list", directory, error);
  }
  for (const { name } of entries) {
    const match = OWN_NAME.exec(name);
    if (match !== null) return `${match[1]}${SEGMENT_SUFFIX}`;
  }
  return null;
}
