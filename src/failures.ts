/**
 * Turns failures into the library's errors, and distinguishes a full disk from a broken one.
 *
 * @module
 */

import { adviceFor, BY_OPTION } from "./advice.ts";
import { systemCodeOf } from "./durable_fs.ts";
import { ClosedError, DiskFullError, IoError, MinistateError, ReadOnlyError } from "./errors.ts";

/** The message of whatever was thrown, which may not even be convertible to text. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "a value that can't be converted to text";
  }
}

/** The error for a call that would change a directory opened for reading. */
export function readOnlyError(path: string): ReadOnlyError {
  return new ReadOnlyError(
    `"${path}" was opened for reading only: nothing was changed${BY_OPTION.writing}`,
    { path },
  );
}

/** The error for a call after `close`. */
export function closedError(path: string): ClosedError {
  return new ClosedError(`"${path}" is closed: open it again`, { path });
}

/** The error codes of a full disk or a full quota. */
const FULL_CODES = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Whether the failure is a full disk, which is temporary, rather than a broken one. */
export function isDiskFull(error: unknown): boolean {
  // Among our errors, only one class means it: a poisoned journal stays poisoned, even if a full disk was the cause.
  if (error instanceof MinistateError) return error instanceof DiskFullError;
  return FULL_CODES.has(systemCodeOf(error) ?? "");
}

/** Turns an error of the operating system into one of ours. Our own errors pass unchanged. */
export function ioError(
  operation: string,
  path: string,
  cause: unknown,
  offset?: number,
): MinistateError {
  if (cause instanceof MinistateError) return cause;
  const details = { operation, path, offset, cause };
  if (isDiskFull(cause)) {
    return new DiskFullError(
      `Cannot ${operation} "${path}": the disk is full; nothing acknowledged is affected, free some space and try again`,
      details,
    );
  }
  const code = systemCodeOf(cause);
  const advice = adviceFor(operation, code ?? "", cause);
  const place = offset === undefined ? "" : ` at offset ${offset}`;
  return new IoError(
    `Cannot ${operation} "${path}"${place}: ${code ?? "failed"}: ${advice}`,
    details,
  );
}
