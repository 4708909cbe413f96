/**
 * The options of `open`, their defaults and their checks.
 *
 * @module
 */

import type { DurableFs } from "./durable_fs.ts";
import type { MinistateError } from "./errors.ts";
import { RECORD_SIZE_MAX } from "./format/format.ts";

/** How much may wait for the disk. */
export interface WaitingMax {
  /** How many calls. */
  calls: number;
  /** The size of their mutations, in bytes; each counts about 70 bytes more than its JSON. */
  bytes: number;
}

/** A batch that takes long to become durable. */
export interface Stall {
  /** The segment that is written. */
  path: string;
  /** How long it has taken so far, in milliseconds. It is still under way, unless the disk blocked the whole program. */
  ms: number;
}

/** Options of a journal. Sizes are in bytes. */
export interface JournalOptions {
  /** The file system to use. @default that of the running runtime */
  fs?: DurableFs;
  /**
   * What to do when acknowledged bytes are damaged. `"fail"` throws {@linkcode CorruptionError} and changes nothing.
   * `"quarantine"` sets the damaged files aside, continues with the longest provable prefix, and lists what was lost in
   * the recovery report.
   * @default "fail"
   */
  onCorruption?: "fail" | "quarantine";
  /**
   * Open without the lock and without changing anything; `apply` is refused with {@linkcode ReadOnlyError}.
   * @default false
   */
  readOnly?: boolean;
  /**
   * Whether to create a state in a directory that is missing or holds none. `false` refuses such a directory with
   * {@linkcode NoStateError} and creates nothing: otherwise a card that is not mounted would look like an empty state.
   * @default true
   */
  create?: boolean;
  /** A new segment is begun when the current one would grow larger than this. @default 8 MiB */
  segmentSizeMax?: number;
  /** A mutation whose line would be longer is refused with {@linkcode TooLargeError}. @default 1 MiB */
  recordSizeMax?: number;
  /**
   * Write a seal after this many milliseconds without a mutation, so that the last batch is provable. @default none:
   * only on close
   */
  sealAfterIdleMs?: number;
  /**
   * How many calls may wait for the disk, and how many bytes their mutations may have. Beyond that, a call is refused
   * with {@linkcode BusyError}. @default { calls: 100,000, bytes: 64 MiB }
   */
  waitingMax?: Partial<WaitingMax>;
  /**
   * Called when a batch takes longer than `stallAfterMs` to become durable, as on a card in its worst moment. Anything
   * that this function throws is ignored.
   */
  onStall?: (stall: Stall) => void;
  /** How long a batch may take until `onStall` is called, in milliseconds. @default 5000 */
  stallAfterMs?: number;
  /**
   * Returns the time for records, in milliseconds since 1970. If it throws or returns an invalid time, 0 is used.
   * @default Date.now
   */
  clock?: () => number;
}

/** Options of a state manager. Sizes are in bytes. */
export interface StateManagerOptions extends JournalOptions {
  /**
   * What to do with a state that a newer version of the mutator has written to, as after the roll-back of an update.
   * `"fail"` throws {@linkcode TooNewError} and changes nothing. `"setAside"` continues after the last mutation of this
   * version or an older one, moves the newer files to `quarantine/`, and lists what was lost in the recovery report. It
   * still fails once the newer version has made two snapshots, because nothing older is kept then.
   * @default "fail"
   */
  onTooNew?: "fail" | "setAside";
  /** Whether the journal is compacted automatically once it is long enough. @default "automatic" */
  compaction?: "automatic" | "manual";
  /**
   * Automatic compaction starts when the journal since the last snapshot is larger than both this and the snapshot
   * itself, so that snapshots never cause more writing than the journal. @default 8 MiB
   */
  compactionSize?: number;
  /** How many snapshots to keep, with the journal that the oldest of them needs; at least 2. @default 2 */
  snapshotsKept?: number;
  /**
   * Called when an automatic compaction fails. No mutation is affected, and compaction is tried again later. Anything
   * that this function throws is ignored.
   * @default one warning on the console, until a compaction succeeds
   */
  onCompactionError?: (error: MinistateError) => void;
}

/** Options of a snapshot store. */
export interface SnapshotStoreOptions {
  /** The file system to use. @default that of the running runtime */
  fs?: DurableFs;
  /** Open without the lock; `create` is refused with {@linkcode ReadOnlyError}. @default false */
  readOnly?: boolean;
  /**
   * Whether to accept a directory that is missing or holds neither snapshot nor journal. `false` creates nothing and
   * throws {@linkcode NoStateError}.
   * @default true
   */
  create?: boolean;
}

/** Journal options with defaults filled in. */
export type JournalSettings =
  & Required<Omit<JournalOptions, "sealAfterIdleMs" | "waitingMax" | "onStall">>
  & Pick<JournalOptions, "onStall">
  & { sealAfterIdleMs: number | null; waitingMax: WaitingMax };

/** State manager options with defaults filled in. */
export type StateManagerSettings =
  & JournalSettings
  & Required<Omit<StateManagerOptions, keyof JournalOptions | "onCompactionError">>
  & Pick<StateManagerOptions, "onCompactionError">;

const MEBIBYTE = 1024 * 1024;

type Check = (value: unknown) => string | null;

const oneOf = (...allowed: unknown[]): Check => (value) =>
  allowed.includes(value) ? null : `one of ${allowed.map((a) => JSON.stringify(a)).join(", ")}`;
const wholeNumber = (least: number, most: number): Check => (value) =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
    ? null
    : `a whole number from ${least} to ${most}`;
const aFunction: Check = (value) => typeof value === "function" ? null : "a function";
const limits = (checks: Record<string, Check>): Check => (value) => {
  if (typeof value !== "object" || value === null) return "an object";
  for (const [name, limit] of Object.entries(value)) {
    const wanted = checks[name]?.(limit);
    if (wanted === undefined) return `an object with ${Object.keys(checks).join(" and ")} only`;
    if (wanted !== null && limit !== undefined) return `an object whose ${name} is ${wanted}`;
  }
  return null;
};

const JOURNAL_CHECKS: Record<keyof JournalOptions, Check> = {
  fs: (value) =>
    typeof (value as DurableFs | null)?.syncDirectory === "function" ? null : "a DurableFs",
  onCorruption: oneOf("fail", "quarantine"),
  readOnly: oneOf(true, false),
  create: oneOf(true, false),
  segmentSizeMax: wholeNumber(64 * 1024, 1024 * MEBIBYTE),
  recordSizeMax: wholeNumber(64, RECORD_SIZE_MAX),
  sealAfterIdleMs: wholeNumber(1, 2 ** 31 - 1),
  waitingMax: limits({
    calls: wholeNumber(1, Number.MAX_SAFE_INTEGER),
    bytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  }),
  onStall: aFunction,
  stallAfterMs: wholeNumber(1, 2 ** 31 - 1),
  clock: aFunction,
};

const SNAPSHOT_STORE_CHECKS: Record<keyof SnapshotStoreOptions, Check> = {
  fs: JOURNAL_CHECKS.fs,
  readOnly: JOURNAL_CHECKS.readOnly,
  create: JOURNAL_CHECKS.create,
};

const STATS_CHECKS: Record<keyof StatsOptions, Check> = {
  enduranceBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
};

const CLOSE_CHECKS: Record<keyof CloseOptions, Check> = { snapshot: oneOf(true, false) };

const CHANGES_CHECKS: Record<keyof ChangesOptions, Check> = {
  // Checked as a sequence.
  from: () => null,
  signal: (value) =>
    typeof (value as AbortSignal | null)?.aborted === "boolean" ? null : "an AbortSignal",
  follow: oneOf(true, false),
};

const STATE_MANAGER_CHECKS: Record<keyof StateManagerOptions, Check> = {
  ...JOURNAL_CHECKS,
  onTooNew: oneOf("fail", "setAside"),
  compaction: oneOf("automatic", "manual"),
  compactionSize: wholeNumber(4096, 2 ** 40),
  snapshotsKept: wholeNumber(2, 1000),
  onCompactionError: aFunction,
};

/**
 * Checks that options are an object.
 *
 * @throws {TypeError} when they are not
 */
export function checkOptions<T>(options: T): T {
  if (typeof options === "object" && options !== null) return options;
  throw new TypeError("The options must be an object");
}

function check(options: object, checks: Record<string, Check>): void {
  checkOptions(options);
  for (const [key, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, key)) {
      throw new TypeError(
        `Unknown option "${key}": the options are ${Object.keys(checks).join(", ")}`,
      );
    }
    const wanted = value === undefined ? null : checks[key]!(value);
    if (wanted !== null) {
      const found = typeof value === "object" || typeof value === "function"
        ? typeof value
        : typeof value === "string"
        ? JSON.stringify(value)
        // JSON can't represent NaN, and refuses a BigInt.
        : String(value);
      throw new (typeof value === "number" ? RangeError : TypeError)(
        `The option "${key}" must be ${wanted}, got ${found}`,
      );
    }
  }
}

/** The given options, without those that are undefined. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as T;
}

const WAITING_MAX: WaitingMax = { calls: 100_000, bytes: 64 * MEBIBYTE };

function journalDefaults({ waitingMax = {} }: JournalOptions): Omit<JournalSettings, "fs"> {
  return {
    onCorruption: "fail",
    readOnly: false,
    create: true,
    segmentSizeMax: 8 * MEBIBYTE,
    recordSizeMax: MEBIBYTE,
    sealAfterIdleMs: null,
    stallAfterMs: 5000,
    waitingMax: { ...WAITING_MAX, ...given(waitingMax) },
    clock: Date.now,
  };
}

/**
 * Checks a journal's options and fills in defaults.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 * @throws {RangeError} when a number is out of range
 */
export function journalSettings(options: JournalOptions, fs: DurableFs): JournalSettings {
  check(options, JOURNAL_CHECKS);
  const { waitingMax: _, ...others } = options;
  return { ...journalDefaults(options), fs, ...given(others) };
}

/**
 * Checks a state manager's options and fills in defaults.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 * @throws {RangeError} when a number is out of range
 */
export function stateManagerSettings(
  options: StateManagerOptions,
  fs: DurableFs,
): StateManagerSettings {
  check(options, STATE_MANAGER_CHECKS);
  const { waitingMax: _, ...others } = options;
  return {
    ...journalDefaults(options),
    onTooNew: "fail",
    compaction: "automatic",
    compactionSize: 8 * MEBIBYTE,
    snapshotsKept: 2,
    fs,
    ...given(others),
  };
}

/**
 * Checks a snapshot store's options and fills in defaults.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 */
export function snapshotStoreSettings(
  options: SnapshotStoreOptions,
  fs: DurableFs,
): Required<SnapshotStoreOptions> {
  check(options, SNAPSHOT_STORE_CHECKS);
  return { fs, readOnly: false, create: true, ...given(options) };
}

/**
 * Checks the options of `stats`.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 * @throws {RangeError} when a number is out of range
 */
export function statsSettings(options: StatsOptions): StatsOptions {
  check(options, STATS_CHECKS);
  return options;
}

/**
 * Checks the options of `close` and fills in defaults.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 */
export function closeSettings(options: CloseOptions): Required<CloseOptions> {
  check(options, CLOSE_CHECKS);
  return { snapshot: false, ...given(options) };
}

/**
 * Checks the options of `changes` and fills in `defaults`.
 *
 * @throws {TypeError} when an option is unknown or of the wrong type
 * @throws {RangeError} when `from` is not a whole number of at least 0
 */
export function changesSettings(
  options: ChangesOptions,
  defaults: { from: number; follow: boolean },
): { from: number; follow: boolean; signal?: AbortSignal } {
  check(options, CHANGES_CHECKS);
  const settings = { ...defaults, ...given(options) };
  checkSequence("from", settings.from);
  return settings;
}

/**
 * Checks a sequence given by a caller.
 *
 * @throws {RangeError} when it is not a whole number of at least 0
 */
export function checkSequence(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  // A symbol can't be converted to text implicitly.
  throw new RangeError(`"${name}" must be a sequence, a whole number from 0, got ${String(value)}`);
}

/**
 * Encodes each mutation of a group. A hole in the array counts as `undefined`, which no journal accepts.
 *
 * @throws {TypeError} when it is not an array
 */
export function eachMutation<M>(mutations: readonly M[], encode: (mutation: M) => string) {
  if (Array.isArray(mutations)) return Array.from(mutations as readonly M[], encode);
  throw new TypeError("The mutations must be an array; nothing was journaled");
}

/** Options of `stats`. */
export interface StatsOptions {
  /** How many bytes can be written to the card before it wears out (its maker's "TBW"). @default unknown */
  enduranceBytes?: number;
}

/** How `close` ends. */
export interface CloseOptions {
  /**
   * Whether to write a snapshot first, unless there is nothing to replay. With automatic compaction, also deletes what
   * is no longer needed.
   * @default false
   */
  snapshot?: boolean;
}

/** Where `changes` begins, and when it ends. */
export interface ChangesOptions {
  /** The first sequence wanted. A past one yields history first. @default the next one */
  from?: number;
  /** Ends the loop when aborted, like `return()`: at once and without an error. */
  signal?: AbortSignal;
  /**
   * Whether to wait for more at the end. A read-only manager then follows the writer in another process: it checks for
   * more every 200 ms, while its own state stays as it was when it was opened.
   * @default true, but false for a read-only manager
   */
  follow?: boolean;
}
