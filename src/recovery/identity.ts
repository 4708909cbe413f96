/**
 * Finds out whose journal a directory holds, from the headers of its files, and refuses another's.
 *
 * @module
 */

import { BY_OPTION } from "../advice.ts";
import { closeFile } from "../close_file.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { ForeignFormatError, ioError, TooNewError } from "../errors.ts";
import { HEADER_SIZE_MAX, type SegmentHeader, type SnapshotHeader } from "../format/format.ts";
import { type NamedFile, SNAPSHOT_SUFFIX, type StateFiles } from "../format/names.ts";
import { type HeaderReading, readHeader } from "../format/scan.ts";
import { readGiven } from "../journal/read_around.ts";
import { headerError } from "../journal/segment_reader.ts";
import { isFilesOwn, isUnreadable, readPatiently } from "../refusals.ts";
import type { Life } from "../traffic.ts";

/** Who wrote a journal, as the headers that can be read say. */
export interface StoredIdentity {
  id: string;
  mutator: string | null;
  version: number;
  /** Whether as many headers are another journal's: then nothing tells whose directory it is. */
  contested: boolean;
  /** What the newest segment whose header can be read tells of what was written before it. */
  written: Life | undefined;
}

type Header = SegmentHeader | SnapshotHeader;

/**
 * Reads the headers of all files; `null` for a new journal.
 *
 * The journal of most files counts, not that of the newest: a single file that strayed in would make strangers of all
 * the others. With as many of each, that of the oldest segment does. A file under a name that is not the one its header
 * tells counts only if there is no other.
 *
 * @throws {TooNewError} when a newer version of this library wrote one of them
 * @throws {IoError} when the system refuses a read for a reason that is no file's own, or the disk gives not one of
 * several files: then it is the disk, and no file is given up over it
 */
export async function readIdentity(
  fs: DurableFs,
  files: StateFiles,
): Promise<StoredIdentity | null> {
  const placed: Header[] = [], misplaced: Header[] = [];
  const refusals: unknown[] = [];
  // Snapshots first: what the newest segment says of mutator and version comes last, and holds.
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

/**
 * Whether any file is of the journal with this identity. One that can't be judged may be.
 */
export async function holdsJournal(
  fs: DurableFs,
  { segments, snapshots }: StateFiles,
  id: string,
): Promise<boolean> {
  for (const named of [...segments.toReversed(), ...snapshots.toReversed()]) {
    try {
      const reading = await readHeaderOf(fs, named, kindOf(named));
      const isStrange = reading.kind === "sound"
        ? reading.header.id !== id
        : reading.kind === "foreign";
      if (!isStrange) return true;
    } catch {
      // It was deleted by a compaction, or can't be read now: neither says that the journal is gone.
      return true;
    }
  }
  return false;
}

function isPlaced(header: Header, { sequence, edition }: NamedFile): boolean {
  if (!isSegment(header)) return header.sequence === sequence;
  return header.first === sequence && (header.edition ?? 1) === edition;
}

function isSegment(header: Header): header is SegmentHeader {
  return header.ministate === "journal";
}

function kindOf({ name }: NamedFile): Header["ministate"] {
  return name.endsWith(SNAPSHOT_SUFFIX) ? "snapshot" : "journal";
}

/** One header; `null` when it is damaged, unreadable or foreign: that is judged where its file is needed. */
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

/** Reads the first line of a segment or snapshot; what the disk refuses to give is asked for again. */
export function readHeaderOf(
  fs: DurableFs,
  named: NamedFile,
  kind: Header["ministate"],
): Promise<HeaderReading<Header>> {
  return readPatiently(() => readHeaderOnce(fs, named, kind));
}

async function readHeaderOnce(
  fs: DurableFs,
  named: NamedFile,
  kind: Header["ministate"],
): Promise<HeaderReading<Header>> {
  const bytes = new Uint8Array(HEADER_SIZE_MAX);
  let file: DurableFile | undefined;
  try {
    file = await fs.open(named.path, "read");
    const { size, refusal } = await readGiven(file, named.path, bytes, 0);
    const reading = readHeader<Header>(bytes.subarray(0, size), kind, fs.crc32);
    if (reading.kind !== "sound" && refusal !== null) throw refusal;
    return reading;
  } catch (error) {
    throw ioError("read", named.path, error);
  } finally {
    await closeFile(file, named.path);
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

/** What is wrong with a directory in which two journals have as many files each. */
export const CONTESTED =
  "it holds files of two journals, and nothing tells which of them are strange";

/** The error for such a directory. */
export function contestedError(path: string): ForeignFormatError {
  return new ForeignFormatError(
    `Cannot open "${path}": ${CONTESTED}. Nothing was changed: ` +
      `move those of one journal away, or run "ministate repair"${BY_OPTION.quarantine} to set aside what can't be used`,
    { path, operation: "open" },
  );
}
