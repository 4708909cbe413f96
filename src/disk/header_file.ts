/**
 * Opens a segment or snapshot and reads its first line, and reports what is wrong with an unsound one.
 *
 * @module
 */

import { BY_OPTION, PERHAPS_OURS } from "../advice.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import {
  CorruptionError,
  ForeignFormatError,
  type MinistateError,
  TooNewError,
} from "../errors.ts";
import { ioError } from "../failures.ts";
import {
  FORMAT,
  HEADER_SIZE_MAX,
  type SegmentHeader,
  type SnapshotHeader,
} from "../format/format.ts";
import { type HeaderReading, readHeader } from "../format/scan.ts";
import { closeAfterFailure, closeFile } from "./close_file.ts";
import { type NamedFile, SNAPSHOT_SUFFIX } from "./names.ts";
import { readGiven } from "./read_around.ts";
import { isUnreadable, readPatiently } from "./refusals.ts";

/** The header of either kind of file. */
export type Header = SegmentHeader | SnapshotHeader;

/** An open segment or snapshot, and what its first line says. */
export interface OpenedFile<H extends Header> {
  handle: DurableFile;
  reading: HeaderReading<H>;
  isEmpty: boolean;
  /** Why the disk refuses to give the first bytes; `null` when it gives them. */
  refusal: MinistateError | null;
}

/**
 * Opens a segment or snapshot and reads its first line. The caller closes the file.
 *
 * @throws {IoError} when it can't be opened, or when the system refuses for a reason other than the file itself
 */
export async function openFile<H extends Header>(
  fs: DurableFs,
  file: NamedFile,
  kind: H["ministate"],
): Promise<OpenedFile<H>> {
  const bytes = new Uint8Array(HEADER_SIZE_MAX);
  let handle: DurableFile | undefined;
  try {
    handle = await fs.open(file.path, "read");
    const { size, refusal } = await readGiven(handle, file.path, bytes, 0);
    const reading = readHeader<H>(bytes.subarray(0, size), kind, fs.crc32);
    return { handle, reading, isEmpty: size === 0 && refusal === null, refusal };
  } catch (error) {
    await closeAfterFailure(handle);
    throw ioError("read", file.path, error);
  }
}

/** The size of an open file in bytes; 0 when the disk refuses to give even that. */
export async function sizeIfGiven(
  { handle }: OpenedFile<Header>,
  { path }: NamedFile,
): Promise<number> {
  try {
    return await handle.size();
  } catch (error) {
    if (!isUnreadable(error)) throw ioError("read", path, error);
    return 0;
  }
}

/**
 * The header of an open file.
 *
 * @throws {TooNewError} when a newer version wrote it
 * @throws {ForeignFormatError} when it is not ours
 * @throws {CorruptionError} when it is damaged, or belongs to another name: the file was renamed or swapped
 * @throws {IoError} when the disk refuses to give it
 */
export function soundHeader<H extends Header>(
  file: NamedFile,
  { reading, isEmpty, refusal }: OpenedFile<H>,
): { header: H; checksum: number; size: number } {
  if (isEmpty) throw headerError("empty", file);
  if (reading.kind === "newer") throw headerError("newer", file, reading.format);
  if (reading.kind !== "sound") throw refusal ?? headerError(reading.kind, file);
  if (!isPlaced(reading.header, file)) throw headerError("damaged", file);
  return reading;
}

/** Whether a header belongs to the name that its file has. */
export function isPlaced(header: Header, { sequence, edition }: NamedFile): boolean {
  if (header.ministate === "snapshot") return header.sequence === sequence;
  return header.first === sequence && (header.edition ?? 1) === edition;
}

/** Reads the first line of a segment or snapshot. Reads that the disk refuses are tried again. */
export function readHeaderOf(
  fs: DurableFs,
  file: NamedFile,
  kind: Header["ministate"],
): Promise<HeaderReading<Header>> {
  return readPatiently(async () => {
    const { handle, reading, refusal } = await openFile<Header>(fs, file, kind);
    await closeFile(handle, file.path);
    if (reading.kind !== "sound" && refusal !== null) throw refusal;
    return reading;
  });
}

/** Which kind of file a name belongs to. */
export function kindOf({ name }: NamedFile): Header["ministate"] {
  return name.endsWith(SNAPSHOT_SUFFIX) ? "snapshot" : "journal";
}

/** The error for a header that can't be used. */
export function headerError(
  kind: "newer" | "foreign" | "damaged" | "empty",
  file: NamedFile,
  format?: number,
): Error {
  const details = { path: file.path, offset: 0, sequence: file.sequence };
  if (kind === "newer") {
    return new TooNewError(
      `"${file.path}" has format ${format}, and this version reads formats up to ${FORMAT}: update ministate; nothing was changed`,
      details,
    );
  }
  if (kind === "empty") {
    return new CorruptionError(
      `"${file.path}" is empty: on FAT, a power cut while a file gets its name leaves it empty; nothing was changed`,
      { ...details, lost: { sequenceFirst: file.sequence, sequenceLast: null } },
    );
  }
  if (kind === "foreign") {
    return new ForeignFormatError(
      `"${file.path}" was not written by ministate, though its name is one of ours: move it away, or use another directory. ${PERHAPS_OURS}`,
      details,
    );
  }
  return new CorruptionError(
    `"${file.path}" is damaged in its first line, which a power cut can't cause: nothing was changed; ` +
      `run "ministate repair"${BY_OPTION.quarantine}`,
    { ...details, lost: { sequenceFirst: file.sequence, sequenceLast: null } },
  );
}
