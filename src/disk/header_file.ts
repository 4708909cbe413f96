/**
 * Reads the first line of a segment or snapshot, and reports what is wrong with an unsound one.
 *
 * @module
 */

import { BY_OPTION, PERHAPS_OURS } from "../advice.ts";
import type { DurableFile, DurableFs } from "../durable_fs.ts";
import { CorruptionError, ForeignFormatError, TooNewError } from "../errors.ts";
import { ioError } from "../failures.ts";
import {
  FORMAT,
  HEADER_SIZE_MAX,
  type SegmentHeader,
  type SnapshotHeader,
} from "../format/format.ts";
import { type HeaderReading, readHeader } from "../format/scan.ts";
import { closeFile } from "./close_file.ts";
import { type NamedFile, SNAPSHOT_SUFFIX } from "./names.ts";
import { readGiven } from "./read_around.ts";
import { readPatiently } from "./refusals.ts";

/** The header of either kind of file. */
export type Header = SegmentHeader | SnapshotHeader;

/** Reads the first line of a segment or snapshot. Reads that the disk refuses are tried again. */
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
    `"${file.path}" is damaged in its first line, which a power cut can't do: nothing was changed; ` +
      `run "ministate repair"${BY_OPTION.quarantine}`,
    { ...details, lost: { sequenceFirst: file.sequence, sequenceLast: null } },
  );
}
