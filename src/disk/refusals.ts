/**
 * Classifies an operating system's refusal: is it about the moment, the place, or the file itself?
 *
 * @module
 */

import { systemCodeOf } from "../durable_fs.ts";
import { IoError, MinistateError } from "../errors.ts";

/** Refusals that say nothing about a file: the same call can succeed a moment later, or in another process. */
const OF_THE_MOMENT: readonly string[] = [
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "EACCES",
  "EPERM",
  "EROFS",
  "EINTR",
  "EAGAIN",
  "EBUSY",
  "EBADF",
  // The key of an encrypted directory is not available yet.
  "ENOKEY",
];

/** The whole place is gone: a card was pulled out, or a share doesn't answer. No single file is to blame. */
const OF_THE_PLACE: readonly string[] = [
  "ENODEV",
  "ENOMEDIUM",
  "ENOTCONN",
  "ENOTDIR",
  "ESTALE",
  "ESHUTDOWN",
  "ETIMEDOUT",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
];

const PASSED_ON: ReadonlySet<string> = new Set([...OF_THE_MOMENT, ...OF_THE_PLACE]);

/** No regular file stands under the name, so what is there was never ours. */
const NO_FILE: ReadonlySet<string | undefined> = new Set(["EISDIR", "EINVAL", "ELOOP", "ENOENT"]);

/** The file system found its own records about the file damaged. */
const METADATA_DAMAGED: ReadonlySet<string | undefined> = new Set(["EBADMSG", "EUCLEAN"]);

/** How many times to try a read before believing that it can't be done. A device may answer the second time. */
export const READ_ATTEMPTS = 3;

/**
 * Whether a file can't be read because it is damaged itself. Only the other causes are listed, because the codes of a
 * broken file depend on the device and on the file system.
 */
export function isFilesOwn(error: unknown): boolean {
  if (error instanceof MinistateError && !(error instanceof IoError)) return false;
  const cause = error instanceof IoError ? error.cause : error;
  const code = systemCodeOf(cause);
  // These codes come from the runtime and mean a mistake in the program.
  if (code !== undefined) return !PASSED_ON.has(code) && !code.startsWith("ERR_");
  // A runtime that has no name for the system's error. Anything else without a code, such as a failed memory
  // allocation, comes from the program.
  return cause instanceof Error && /\(os error \d+\)/.test(cause.message);
}

/** Whether a file exists but the device or the file system refuses to read it, or part of it. */
export function isUnreadable(error: unknown): boolean {
  return isFilesOwn(error) && !NO_FILE.has(codeOf(error));
}

/** Whether the file system's own records about the file are damaged. */
export function isMetadataDamaged(error: unknown): boolean {
  return isFilesOwn(error) && METADATA_DAMAGED.has(codeOf(error));
}

/** Whether a file can't be renamed or deleted because its inode is damaged or can't be read. */
export function isStuck(error: unknown): boolean {
  return isMetadataDamaged(error) || isFilesOwn(error) && codeOf(error) === "EIO";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof IoError ? error.systemCode : systemCodeOf(error);
}

/** Reads, and tries again what the disk refuses: newer records may exist nowhere else. */
export async function readPatiently<T>(
  read: () => T | Promise<T>,
  attempts = READ_ATTEMPTS,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (!isUnreadable(error) || attempt >= attempts) throw error;
    }
  }
}
