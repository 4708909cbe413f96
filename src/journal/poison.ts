/**
 * The error that ends all writing to a journal.
 *
 * @module
 */

import { DirectoryGoneError, type MinistateError, PoisonedError } from "../errors.ts";

/** The error after which nothing more is written, because it is no longer known what the disk holds. */
export function poisoned(
  operation: string,
  path: string,
  offset: number,
  cause: unknown,
): MinistateError {
  // It is just as final, and says more.
  if (cause instanceof DirectoryGoneError) return cause;
  return new PoisonedError(
    `Cannot ${operation} "${path}": nothing more is written, because what the disk holds is no longer known; ` +
      "everything acknowledged before is safe: check the disk, close, and open again",
    { operation, path, offset, cause },
  );
}
