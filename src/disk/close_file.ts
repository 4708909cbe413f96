/**
 * Gives descriptors and locks back, so that a failure to do so is an error of ours and hides no other.
 *
 * @module
 */

import { ioError } from "../failures.ts";
import type { MaybePromise } from "../durable_fs.ts";

/** Whatever is given back when it is no longer needed. */
interface Closeable {
  close(): MaybePromise<void>;
}

/**
 * Closes.
 *
 * @throws {IoError} when the operating system reports a failure; what is durable doesn't depend on it
 */
export async function closeFile(file: Closeable | undefined, path: string): Promise<void> {
  try {
    await file?.close();
  } catch (error) {
    throw ioError("close", path, error);
  }
}

/** Closes because something has failed: that failure is the one to report, not one of closing. */
export async function closeAfterFailure(file: Closeable | undefined): Promise<void> {
  try {
    await file?.close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
