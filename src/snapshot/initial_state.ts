/**
 * Reads the initial state that the first segment of a journal holds between its header and its records.
 *
 * @module
 */

import type { DurableFs } from "../durable_fs.ts";
import { CorruptionError } from "../errors.ts";
import { ioError } from "../failures.ts";
import type { NamedFile } from "../disk/names.ts";
import { PIECE_SIZE_MIN, piecesOf } from "../disk/pieces.ts";
import { StateBuilder } from "../format/snapshot_decode.ts";
import type { SegmentReader } from "../journal/segment_reader.ts";
import { BodyReader } from "./snapshot_body.ts";

/**
 * Reads the initial state of a segment whose header says that it holds one.
 *
 * @throws {CorruptionError} when any byte of it differs from what was written
 */
export async function readInitial(
  fs: DurableFs,
  { handle, file, header, headerEnd, seed }: SegmentReader,
): Promise<unknown> {
  const builder = new StateBuilder();
  const body = new BodyReader(
    fs,
    handle,
    file,
    piecesOf(PIECE_SIZE_MIN),
    (line) => builder.add(line),
  );
  try {
    await body.read(headerEnd, seed, headerEnd + header.initial!);
  } catch (error) {
    if (error instanceof CorruptionError) throw damagedAt(file, error.offset!);
    throw ioError("read", file.path, error);
  }
  if (!builder.complete) throw damagedAt(file, headerEnd);
  return builder.state;
}

function damagedAt({ path, sequence }: NamedFile, offset: number): CorruptionError {
  return new CorruptionError(
    `"${path}" is damaged near offset ${offset}, in the initial state, which a power cut can't cause: ` +
      'run "ministate verify" to see what is affected',
    {
      path,
      offset,
      sequence,
      operation: "read",
      lost: { sequenceFirst: sequence, sequenceLast: null },
    },
  );
}
