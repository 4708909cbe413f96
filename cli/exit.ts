/**
 * How the command ends: exit codes, and error messages that a person can act on.
 *
 * @module
 */

import { withoutOptions } from "../src/advice.ts";
import { MinistateError } from "../src/errors.ts";
import { PatchError } from "./json_pointer.ts";

/** The exit codes; docs/cli.md lists them for users. */
export const EXIT = {
  ok: 0,
  /**
   * Something requested isn't there, a line was refused, a torn tail will be cut (verify), a program makes another
   * state of the past (verify --mutator), or there are warnings (doctor).
   */
  incomplete: 1,
  /** Acknowledged bytes are damaged, or there are problems (doctor). */
  corrupt: 2,
  /** Another process holds the directory. */
  locked: 3,
  /** There is no state, or it belongs to another program or a newer version. */
  refused: 4,
  /** The operating system refused, or the disk is full. */
  system: 5,
  usage: 64,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

const CODES: Record<string, number> = {
  CORRUPT: EXIT.corrupt,
  LOCKED: EXIT.locked,
  NO_STATE: EXIT.refused,
  FOREIGN_FORMAT: EXIT.refused,
  TOO_NEW: EXIT.refused,
  MIGRATION_FAILED: EXIT.refused,
  IO_FAILED: EXIT.system,
  DISK_FULL: EXIT.system,
  POISONED: EXIT.system,
  DIRECTORY_GONE: EXIT.system,
  NO_MUTATOR: EXIT.usage,
  USAGE: EXIT.usage,
};

/** An error of the command itself. */
export class CommandError extends Error {
  /** `NO_STATE`, `NOT_FOUND`, `USAGE`, … */
  readonly code: string;
  /** The place in a file that it is about. */
  readonly place: { line: number; column: number } | null;

  /** Makes the error. */
  constructor(code: string, message: string, cause?: unknown, place: CommandError["place"] = null) {
    super(message, { cause });
    this.place = place;
    this.code = code;
  }
}

/** The error for a malformed argument. */
export function usageError(message: string): CommandError {
  return new CommandError("USAGE", message);
}

/** What is reported about an error. */
export interface ErrorReport {
  code: string;
  message: string;
  path?: string;
  offset?: number;
  sequence?: number;
  line?: number;
  column?: number;
  systemCode?: string;
  /** Where it happened in the program, for errors that should be impossible. */
  stack?: string;
}

/** Describes an error in a form for people and programs. */
export function describeError(error: unknown): ErrorReport {
  if (error instanceof MinistateError) {
    const { code, path, offset, sequence, systemCode } = error;
    const message = withoutOptions(error.message);
    return { code, message, path, offset, sequence: sequence ?? undefined, systemCode };
  }
  if (error instanceof CommandError) {
    const { code, message, place } = error;
    return { code, message, ...place };
  }
  if (error instanceof PatchError) {
    return {
      code: "REFUSED",
      message: `Cannot change the document: ${error.message}; the document is unchanged`,
    };
  }
  if (error instanceof RangeError || error instanceof TypeError) {
    return { code: "INTERNAL", message: error.message, stack: error.stack };
  }
  const { code, message = String(error), stack } = error as {
    code?: string;
    message?: string;
    stack?: string;
  };
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code)
    ? { code: "IO_FAILED", message, systemCode: code }
    : { code: "INTERNAL", message, stack };
}

/** The exit code for an error. */
export function exitCodeOf(report: ErrorReport): number {
  if (report.code === "INTERNAL") return EXIT.internal;
  return CODES[report.code] ?? EXIT.incomplete;
}

/** The exit code that a shell reports for a program ended by this signal. */
export function interruptedCode(interruption: AbortSignal): number {
  return interruption.reason === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}
