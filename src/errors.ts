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
  path?: string | undefined;
  /** Position in that file, in bytes. */
  offset?: number | undefined;
  /** The mutation concerned; `null` for one that got no number. */
  sequence?: number | null | undefined;
  /** The operation that failed: `open`, `write`, `sync` … */
  operation?: string | undefined;
  /** The error underneath. */
  cause?: unknown;
}

/**
 * Parent of every error of this library that is not a caller's mistake. Branch on `code`, not on the message.
 *
 * @example Branch on the code
 * ```ts
 * import { MinistateError, StateManager } from "@ministate/ministate";
 * import { assertEquals } from "@std/assert";
 *
 * const log = { initial: () => [""], apply: (lines: string[], line: string) => lines.push(line) };
 * await using _manager = await StateManager.open("state", "log.wal.jsonl", log);
 *
 * let answer = "opened";
 * try {
 *   await StateManager.open("state", "log.wal.jsonl", log); // a second time
 * } catch (error) {
 *   if (!(error instanceof MinistateError)) throw error;
 *   answer = error.code === "LOCKED" ? "try again later" : error.message;
 * }
 * assertEquals(answer, "try again later");
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
  declare readonly sequence?: number | null;
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
    const fields = { path, offset, sequence, operation, systemCode: systemCodeOf(details.cause) };
    // Only known details become properties, so that a printed error is not full of "undefined".
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) Object.defineProperty(this, key, { value, enumerable: true });
    }
  }
}

/**
 * `CORRUPT`: acknowledged bytes are damaged or missing. Nothing was changed on the disk.
 *
 * @example See what is damaged
 * ```ts
 * import { CorruptionError, StateManager } from "@ministate/ministate";
 * import { PowerCutDisk } from "@ministate/ministate/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * const disk = new PowerCutDisk(); // in memory, and fails when told to
 * const manager = await StateManager.open("/state", "log.wal.jsonl", log, { fs: disk });
 * await manager.applyAll(["one", "two"]);
 * const path = manager.journalPath;
 * await manager.close();
 * disk.flipBit(path, new TextDecoder().decode(disk.peek(path)!).indexOf("two"), 0);
 *
 * const error = await assertRejects(
 *   () => StateManager.open("/state", "log.wal.jsonl", log, { fs: disk }),
 *   CorruptionError,
 * );
 * assertEquals(error.path, path);
 * assertEquals(error.lost, { sequenceFirst: 1, sequenceLast: 2 });
 * ```
 */
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

/**
 * `FOREIGN_FORMAT`: a file with one of our names is not ours, or belongs to another journal or mutator.
 *
 * @example Keep each mutator to its own directory
 * ```ts
 * import { ForeignFormatError, StateManager } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const kettle = { name: "kettle", initial: () => 20, reduce: (_: number, celsius: number) => celsius };
 * await (await StateManager.open("state", "home.wal.jsonl", kettle)).close();
 *
 * const oven = { ...kettle, name: "oven" };
 * await assertRejects(() => StateManager.open("state", "home.wal.jsonl", oven), ForeignFormatError);
 * ```
 */
export class ForeignFormatError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("FOREIGN_FORMAT", message, details);
  }
}

/**
 * `TOO_NEW`: written by a newer version of this library or of the mutator. Nothing was changed.
 *
 * @example Refuse what a newer version wrote
 * ```ts
 * import { StateManager, TooNewError } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const kettle = { initial: () => 20, reduce: (_: number, celsius: number) => celsius };
 * const newer = { ...kettle, version: 2 };
 * await (await StateManager.open("state", "kettle.wal.jsonl", newer)).close();
 *
 * await assertRejects(() => StateManager.open("state", "kettle.wal.jsonl", kettle), TooNewError);
 * ```
 */
export class TooNewError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("TOO_NEW", message, details);
  }
}

/**
 * `MIGRATION_FAILED`: the mutator can't migrate an older state. Nothing was changed.
 *
 * @example Raise the version without a migration
 * ```ts
 * import { MigrationError, StateManager } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const kettle = { initial: () => 20, reduce: (_: number, celsius: number) => celsius };
 * {
 *   await using manager = await StateManager.open("state", "kettle.wal.jsonl", kettle);
 *   await manager.apply(90);
 * }
 * const newer = { ...kettle, version: 2 }; // needs a `migrate`
 * await assertRejects(() => StateManager.open("state", "kettle.wal.jsonl", newer), MigrationError);
 * ```
 */
export class MigrationError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("MIGRATION_FAILED", message, details);
  }
}

/**
 * `LOCKED`: another manager, in this process or another, has the directory open for writing.
 *
 * @example Find the directory in use
 * ```ts
 * import { LockedError, StateManager } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * await using manager = await StateManager.open("state", "log.wal.jsonl", log);
 *
 * await assertRejects(() => StateManager.open("state", "log.wal.jsonl", log), LockedError);
 * ```
 */
export class LockedError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("LOCKED", message, details);
  }
}

/**
 * `NO_STATE`: opened with `create: false`, and the directory is missing or holds no state. Nothing was created.
 *
 * @example Notice that the card is not mounted
 * ```ts
 * import { NoStateError, StateManager } from "@ministate/ministate";
 * import { assertEquals } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * let mounted = true;
 * try {
 *   await StateManager.open("state", "log.wal.jsonl", log, { create: false });
 * } catch (error) {
 *   if (!(error instanceof NoStateError)) throw error;
 *   mounted = false;
 * }
 * assertEquals(mounted, false);
 * ```
 */
export class NoStateError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("NO_STATE", message, details);
  }
}

/**
 * `POISONED`: a sync failed, so the fate of the last bytes is unknown. Reads still work; reopen to continue.
 *
 * @example Reopen after a failed sync
 * ```ts
 * import { PoisonedError, StateManager } from "@ministate/ministate";
 * import { PowerCutDisk } from "@ministate/ministate/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * const disk = new PowerCutDisk(); // in memory, and fails when told to
 * const manager = await StateManager.open("/state", "log.wal.jsonl", log, { fs: disk });
 *
 * disk.fault = { at: disk.calls + 2, how: "EIO" }; // the sync after the write
 * await assertRejects(() => manager.apply("lost or not"), PoisonedError);
 * await manager.close().catch((error) => assertEquals(error.code, "POISONED"));
 *
 * await using again = await StateManager.open("/state", "log.wal.jsonl", log, { fs: disk });
 * await again.apply("durable");
 * assertEquals(again.state.at(-1), "durable");
 * ```
 */
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
 *
 * @example Notice that the directory was moved
 * ```ts
 * import { DirectoryGoneError, StateManager } from "@ministate/ministate";
 * import { PowerCutDisk } from "@ministate/ministate/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * const disk = new PowerCutDisk(); // in memory, and fails when told to
 * const manager = await StateManager.open("/state", "log.wal.jsonl", log, { fs: disk });
 *
 * await disk.rename("/state", "/elsewhere");
 * await assertRejects(() => manager.createSnapshot(), DirectoryGoneError);
 * ```
 */
export class DirectoryGoneError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("DIRECTORY_GONE", message, details);
  }
}

/**
 * `DISK_FULL`: there was no space. The journal is unchanged; try again once there is space.
 *
 * @example Try again once there is space
 * ```ts
 * import { DiskFullError, StateManager } from "@ministate/ministate";
 * import { PowerCutDisk } from "@ministate/ministate/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * const disk = new PowerCutDisk(); // in memory, and fails when told to
 * const manager = await StateManager.open("/state", "log.wal.jsonl", log, { fs: disk });
 *
 * disk.spaceLeft = 0;
 * const long = "x".repeat(200_000);
 * await assertRejects(() => manager.apply(long), DiskFullError);
 *
 * disk.spaceLeft = Infinity;
 * assertEquals((await manager.apply(long)).sequence, 1);
 * ```
 */
export class DiskFullError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("DISK_FULL", message, details);
  }
}

/**
 * `IO_FAILED`: the operating system refused a read, a write or an open. `systemCode` holds its reason.
 *
 * @example Back up into a directory that is in use
 * ```ts
 * import { IoError, StateManager } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * await using manager = await StateManager.open("state", "log.wal.jsonl", log);
 *
 * await manager.backup("backup");
 * await assertRejects(() => manager.backup("backup"), IoError); // holds a state already
 * ```
 */
export class IoError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("IO_FAILED", message, details);
  }
}

/**
 * `BUSY`: too many calls wait for the disk; see the option `waitingMax`. Nothing of this one was journaled, so it can be
 * tried again.
 *
 * @example Answer "try again later"
 * ```ts
 * import { BusyError, StateManager } from "@ministate/ministate";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * await using manager = await StateManager.open("state", "log.wal.jsonl", log, {
 *   waitingMax: { calls: 2 },
 * });
 * const outcomes = await Promise.allSettled(["a", "b", "c"].map((line) => manager.apply(line)));
 * const refused = outcomes.filter((outcome) => outcome.status === "rejected");
 * assertEquals(refused.length, 1);
 * assert(refused[0]!.reason instanceof BusyError);
 * assertEquals(manager.snapshot(), ["a", "b"]);
 * ```
 */
export class BusyError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("BUSY", message, details);
  }
}

/**
 * `CLOSED`: the manager or journal was already closed.
 *
 * @example Call after close
 * ```ts
 * import { ClosedError, StateManager } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * const manager = await StateManager.open("state", "log.wal.jsonl", log);
 * await manager.close();
 * await assertRejects(() => manager.apply("too late"), ClosedError);
 * ```
 */
export class ClosedError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("CLOSED", message, details);
  }
}

/**
 * `READ_ONLY`: opened for reading only.
 *
 * @example Read beside the writer
 * ```ts
 * import { ReadOnlyError, StateManager } from "@ministate/ministate";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * await using writer = await StateManager.open("state", "log.wal.jsonl", log);
 * await writer.applyAll(["one", "two"]);
 *
 * await using reader = await StateManager.open("state", "log.wal.jsonl", log, { readOnly: true });
 * assertEquals(reader.snapshot(), ["one", "two"]);
 * await assertRejects(() => reader.apply("three"), ReadOnlyError);
 * ```
 */
export class ReadOnlyError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("READ_ONLY", message, details);
  }
}

/**
 * `INVALID_MUTATION`: not JSON, or refused by the schema. It was not journaled.
 *
 * @example Refuse what JSON cannot hold
 * ```ts
 * import { InvalidMutationError, StateManager } from "@ministate/ministate";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const sum = { initial: () => 0, reduce: (total: number, by: number) => total + by };
 * await using manager = await StateManager.open("state", "sum.wal.jsonl", sum);
 *
 * await assertRejects(() => manager.apply(NaN), InvalidMutationError);
 * assertEquals(manager.sequence, 0); // not journaled
 * ```
 */
export class InvalidMutationError extends MinistateError {
  /** The schema's issues, unchanged; empty when the value was not JSON. */
  readonly issues: readonly unknown[];

  /** Makes the error. */
  constructor(message: string, details: ErrorDetails & { issues?: readonly unknown[] } = {}) {
    super("INVALID_MUTATION", message, details);
    this.issues = details.issues ?? [];
  }
}

/**
 * `INVALID_STATE`: the state holds something that JSON can't, so no snapshot of it can be written.
 *
 * @example Find a state that JSON cannot hold
 * ```ts
 * import { InvalidStateError, StateManager } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const ratio = { initial: () => 0, reduce: (now: number, by: number) => now / by };
 * await using manager = await StateManager.open("state", "ratio.wal.jsonl", ratio);
 *
 * await manager.apply(0); // 0 / 0 is NaN
 * await assertRejects(() => manager.createSnapshot(), InvalidStateError);
 * ```
 */
export class InvalidStateError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("INVALID_STATE", message, details);
  }
}

/**
 * `TOO_LARGE`: a record or an atomic group over the size limit. It was not journaled.
 *
 * @example Limit the size of a record
 * ```ts
 * import { StateManager, TooLargeError } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * await using manager = await StateManager.open("state", "log.wal.jsonl", log, {
 *   recordSizeMax: 1000,
 * });
 * await assertRejects(() => manager.apply("x".repeat(1000)), TooLargeError);
 * ```
 */
export class TooLargeError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("TOO_LARGE", message, details);
  }
}

/**
 * `REJECTED`: the mutator refused the mutation, or one of its group. The state is as it was, and nothing will run it
 * again. `sequence` is `null` when nothing was journaled; otherwise the journal keeps the mutation, as refused. `cause`
 * is what the mutator threw.
 *
 * @example Learn why the mutator refused
 * ```ts
 * import { MutationRejectedError, StateManager } from "@ministate/ministate";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const kettle = {
 *   initial: () => ({ celsius: 20 }),
 *   check(_state: { readonly celsius: number }, celsius: number) {
 *     if (celsius > 100) throw new RangeError("boiled over");
 *   },
 *   apply: (state: { celsius: number }, celsius: number) => state.celsius = celsius,
 * };
 * await using manager = await StateManager.open("state", "kettle.wal.jsonl", kettle);
 *
 * const error = await assertRejects(() => manager.apply(101), MutationRejectedError);
 * assertEquals((error.cause as Error).message, "boiled over");
 * assertEquals(error.sequence, null); // checked before it was written
 * ```
 */
export class MutationRejectedError extends MinistateError {
  /** The number of the mutation that was refused; `null` when nothing was journaled. */
  declare readonly sequence: number | null;

  /** Makes the error. */
  constructor(message: string, details: ErrorDetails & { sequence: number | null }) {
    super("REJECTED", message, details);
  }
}

/**
 * `MUTATOR_CHANGED`: the mutator refuses a mutation that was accepted when it was journaled. Nothing was changed on the
 * disk. `cause` is what the mutator threw.
 *
 * @example See which mutation a stricter program refuses
 * ```ts
 * import { MutatorChangedError, StateManager } from "@ministate/ministate";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const kettleUpTo = (limit: number) => ({
 *   initial: () => ({ celsius: 20 }),
 *   apply(state: { celsius: number }, celsius: number) {
 *     if (celsius > limit) throw new RangeError("boiled over");
 *     state.celsius = celsius;
 *   },
 * });
 * {
 *   await using manager = await StateManager.open("state", "kettle.wal.jsonl", kettleUpTo(100));
 *   await manager.apply(95);
 * }
 * const error = await assertRejects(
 *   () => StateManager.open("state", "kettle.wal.jsonl", kettleUpTo(90)),
 *   MutatorChangedError,
 * );
 * assertEquals([error.sequence, error.undecided], [1, false]);
 * ```
 */
export class MutatorChangedError extends MinistateError {
  /** Whether the outcome was not recorded: the mutation was in the last batch before a crash. */
  readonly undecided: boolean;

  /** Makes the error. */
  constructor(message: string, details: ErrorDetails & { undecided: boolean }) {
    super("MUTATOR_CHANGED", message, details);
    this.undecided = details.undecided;
  }
}

/**
 * `HISTORY_GONE`: compaction has deleted the part of the journal that the request needs.
 *
 * @example Ask for what compaction has deleted
 * ```ts
 * import { HistoryGoneError, StateManager } from "@ministate/ministate";
 * import { assertRejects } from "@std/assert";
 *
 * const log = {
 *   initial: () => [] as string[],
 *   apply: (lines: string[], line: string) => lines.push(line),
 * };
 * await using manager = await StateManager.open("state", "log.wal.jsonl", log);
 *
 * for (const line of ["one", "two", "three"]) {
 *   await manager.apply(line);
 *   await manager.compact();
 * }
 * await assertRejects(() => manager.stateAt(1), HistoryGoneError);
 * ```
 */
export class HistoryGoneError extends MinistateError {
  /** Makes the error. */
  constructor(message: string, details?: ErrorDetails) {
    super("HISTORY_GONE", message, details);
  }
}
