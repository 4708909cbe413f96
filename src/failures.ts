/**
 * Makes the library's errors of what went wrong, and tells a full disk from a broken one.
 *
 * @module
 */

import { adviceFor } from "./advice.ts";
import { systemCodeOf } from "./durable_fs.ts";
import { ClosedError, DiskFullError, IoError, MinistateError, ReadOnlyError } from "./errors.ts";

/** What was thrown, in words. Anything can be thrown, also what can't be turned into text. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "something that has no text";
  }
}

/** The error for a call that would change a directory opened for reading. */
export function readOnlyError(path: string): ReadOnlyError {
  return new ReadOnlyError(
    `"${path}" was opened for reading only: nothing was changed; open it without readOnly`,
    { path },
  );
}

/** The error for a call after `close`. */
export function closedError(path: string): ClosedError {
  return new ClosedError(`"${path}" is closed: open it again`, { path });
}

/** The codes by which a full disk (or a full quota) shows itself. */
const FULL_CODES = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Whether the failure is a full disk, which passes, rather than a broken one. */
export function isDiskFull(error: unknown): boolean {
  // Of ours, one class says so: a poisoned journal stays poisoned, whatever the disk had no space for.
  if (error instanceof MinistateError) return error instanceof DiskFullError;
  return FULL_CODES.has(systemCodeOf(error) ?? "");
}

/** Turns what the operating system threw into an error of ours; errors of ours pass unchanged. */
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
