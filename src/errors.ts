/**
 * The errors that a correct program can meet: one class per situation that a caller can act on, each with a stable
 * code.
 *
 * @module
 */

import { systemCodeOf } from "./durable_fs.ts";

/** Where an error happened, as far as that is known. */
export interface ErrorDetails {
  /** The file or directory concerned. */
  path?: string;
  /** Position in that file, in bytes. */
  offset?: number;
  /** The mutation concerned. */
  sequence?: number;
  /** The operation that failed: `open`, `write`, `sync` … */
  operation?: string;
  /** The error underneath. */
  cause?: unknown;
}

/**
 * Parent of every error of this library that is not a caller's mistake. Branch on `code`, not on the message.
 *
 * @example Branch on the code
 * ```ts
 * import { LockedError, MinistateError } from "@ministate/ministate";
 * import { assertEquals } from "@std/assert";
 *
 * const error: MinistateError = new LockedError("The directory is in use", { path: "./state" });
 * assertEquals(error.code, "LOCKED");
 * assertEquals(error.path, "./state");
 * ```
 */
export class MinistateError extends Error {
  /** Stable name of the situation, such as `CORRUPT` or `DISK_FULL`. */
  readonly code: string;
  /** The file or directory concerned. */
  declare readonly path?: string;
  /** Position in that file, in bytes. */
  declare readonly offset?: number;
  /** The mutation concerned. */
  declare readonly sequence?: number;
  /** The operation that failed. */
  declare readonly operation?: string;
  /** The operating system's name of the failure, such as `ENOSPC`. */
  declare readonly systemCode?: string;

  /** Makes an error; subclasses fix the code. */
  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    const { path, offset, sequence, operation } = details;
    const known = { path, offset, sequence, operation, systemCode: systemCodeOf(details.cause) };
    // Only known details become properties, so that a printed error is not full of "undefined".
    for (const [key, value] of Object.entries(known)) {
      if (value !== undefined) Object.defineProperty(this, key, { value, enumerable: true });
    }
  }
}

/** `CORRUPT`: acknowledged bytes are damaged or missing. Nothing was changed on the disk. */
export class CorruptionError extends MinistateError {
  /** The first and last sequence that can't be proven. The last is `null` when it is unknown. */
  readonly lost: { sequenceFirst: number; sequenceLast: number | null };

  /** Makes the error. */
  constructor(
    message: string,
    details: ErrorDetails & { lost: { sequenceFirst: number; sequenceLast: number | null } },
  ) {
    super("CORRUPT", message, details);
    this.lost = details.lost;
  }
}

/** `FOREIGN_FORMAT`: a file with one of our names is not ours, or belongs to another journal or mutator. */
export class ForeignFormatError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("FOREIGN_FORMAT", message, details);
  }
}

/** `TOO_NEW`: written by a newer version of this library or of the mutator. Nothing was changed. */
export class TooNewError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("TOO_NEW", message, details);
  }
}

/** `MIGRATION_FAILED`: the mutator can't migrate an older state. Nothing was changed. */
export class MigrationError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("MIGRATION_FAILED", message, details);
  }
}

/** `LOCKED`: another manager, in this process or another, has the directory open for writing. */
export class LockedError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("LOCKED", message, details);
  }
}

/** `NO_STATE`: opened with `create: false`, and the directory is missing or holds no state. Nothing was created. */
export class NoStateError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("NO_STATE", message, details);
  }
}

/** `POISONED`: a sync failed, so the fate of the last bytes is unknown. Reads still work; reopen to continue. */
export class PoisonedError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("POISONED", message, details);
  }
}

/**
 * `DIRECTORY_GONE`: the path of the state directory now leads somewhere else, or the directory, its lock file or the
 * segment was removed. Nothing was done under that path since. Mutations acknowledged after a move are in the moved
 * directory. Final: close, and open again.
 */
export class DirectoryGoneError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("DIRECTORY_GONE", message, details);
  }
}

/** `DISK_FULL`: there was no space. The journal is unchanged; try again once there is space. */
export class DiskFullError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("DISK_FULL", message, details);
  }
}

/** `IO_FAILED`: the operating system refused a read, a write or an open. `systemCode` holds its reason. */
export class IoError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("IO_FAILED", message, details);
  }
}

/** `CLOSED`: the manager or journal was already closed. */
export class ClosedError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("CLOSED", message, details);
  }
}

/** `READ_ONLY`: opened for reading only. */
export class ReadOnlyError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("READ_ONLY", message, details);
  }
}

/** `INVALID_MUTATION`: not JSON, or refused by the schema. It was not journaled. */
export class InvalidMutationError extends MinistateError {
  /** The schema's issues, unchanged; empty when the value was not JSON. */
  readonly issues: readonly unknown[];

  /** Makes the error. */
  constructor(message: string, details: ErrorDetails & { issues?: readonly unknown[] } = {}) {
    super("INVALID_MUTATION", message, details);
    this.issues = details.issues ?? [];
  }
}

/** `INVALID_STATE`: the state holds something that JSON can't, so no snapshot of it can be written. */
export class InvalidStateError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("INVALID_STATE", message, details);
  }
}

/** `TOO_LARGE`: a record or an atomic group over the size limit. It was not journaled. */
export class TooLargeError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("TOO_LARGE", message, details);
  }
}

/**
 * `REJECTED`: the mutator threw. The mutation is journaled under `sequence` and is rejected in the same way on every
 * replay. `cause` is what the mutator threw.
 */
export class MutationRejectedError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("REJECTED", message, details);
  }
}

/** `HISTORY_GONE`: compaction has deleted the part of the journal that the request needs. */
export class HistoryGoneError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("HISTORY_GONE", message, details);
  }
}
