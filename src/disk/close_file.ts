/**
 * Closes files and locks. A failure to close is reported as one of our errors and never hides an earlier failure.
 *
 * @module
 */

import { ioError } from "../failures.ts";
import type { MaybePromise } from "../durable_fs.ts";

/** Anything that is closed when it is no longer needed. */
interface Closeable {
  close(): MaybePromise<void>;
}

/**
 * Closes.
 *
 * @throws {IoError} when the operating system reports a failure; durability does not depend on it
 */
export async function closeFile(file: Closeable | undefined, path: string): Promise<void> {
  try {
    await file?.close();
  } catch (error) {
    throw ioError("close", path, error);
  }
}

/** Closes after a failure. That failure is the one to report, so a failure to close is ignored. */
export async function closeAfterFailure(file: Closeable | undefined): Promise<void> {
  try {
    await file?.close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
