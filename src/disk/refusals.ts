/**
 * What a refusal of the operating system says: something about the moment, about the place, or about the file.
 *
 * @module
 */

import { systemCodeOf } from "../durable_fs.ts";
import { IoError, MinistateError } from "../errors.ts";

/** Refusals that say nothing about a file: the same call can succeed in a moment, or for another process. */
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
  // The key of an encrypted directory has not been given yet.
  "ENOKEY",
];

/** The whole place is gone: a card pulled out, a share that doesn't answer. No single file is to blame. */
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

/** No regular file stands under the name. Nothing of ours was ever in what does. */
const NO_FILE: ReadonlySet<string | undefined> = new Set(["EISDIR", "EINVAL", "ELOOP", "ENOENT"]);

/** The file system found its own records about the file damaged. */
const METADATA_DAMAGED: ReadonlySet<string | undefined> = new Set(["EBADMSG", "EUCLEAN"]);

/** How often something is read before the disk is believed that it can't be: a device may answer the second time. */
export const READ_ATTEMPTS = 3;

/**
 * Whether it is the file's own damage that it can't be read. The short list is that of other causes: which codes a
 * broken file shows itself by depends on the device and on the file system.
 */
export function isFilesOwn(error: unknown): boolean {
  if (error instanceof MinistateError && !(error instanceof IoError)) return false;
  const cause = error instanceof IoError ? error.cause : error;
  const code = systemCodeOf(cause);
  // Codes that begin so are the runtime's, for a mistake of the program.
  if (code !== undefined) return !PASSED_ON.has(code) && !code.startsWith("ERR_");
  // A runtime that has no name for what the system said. Anything else without a code, such as memory that could not
  // be had, comes from the program.
  return cause instanceof Error && /\(os error \d+\)/.test(cause.message);
}

/** Whether a file is there, and the device or the file system refuses to give it, or a part of it. */
export function isUnreadable(error: unknown): boolean {
  return isFilesOwn(error) && !NO_FILE.has(codeOf(error));
}

/** Whether the file system's own records about the file are damaged. */
export function isMetadataDamaged(error: unknown): boolean {
  return isFilesOwn(error) && METADATA_DAMAGED.has(codeOf(error));
}

/** Whether a file can't be renamed or deleted because its inode is damaged, or the device refuses to give that. */
export function isStuck(error: unknown): boolean {
  return isMetadataDamaged(error) || isFilesOwn(error) && codeOf(error) === "EIO";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof IoError ? error.systemCode : systemCodeOf(error);
}

/** Reads; what the disk refuses to give is asked for again, for newer records may be in no other place. */
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
