/**
 * Crash-safe, in-memory state with a human-readable write-ahead log, for programs on boards that lose power
 * without warning.
 *
 * @example Count, durably
 * ```ts
 * import { StateManager } from "@ministate/ministate";
 * import { assertEquals } from "@std/assert";
 *
 * const counter = {
 *   initial: () => ({ value: 0 }),
 *   apply(state: { value: number }, mutation: { by: number }) {
 *     state.value += mutation.by;
 *     return state.value;
 *   },
 * };
 *
 * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
 * const { sequence, result } = await manager.apply({ by: 10 }); // durable once this resolves
 * assertEquals(sequence, 1);
 * assertEquals(result, 10);
 * assertEquals(manager.state.value, 10);
 * ```
 *
 * @example Know how long the card lasts
 * ```ts
 * import { StateManager } from "@ministate/ministate";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const last = { initial: () => [0], apply: (state: number[], mutation: number) => state[0] = mutation };
 * await using manager = await StateManager.open("state", "last.wal.jsonl", last);
 * await manager.apply(7);
 * const { sinceOpen, life, cardYears } = manager.stats({ enduranceBytes: 30e12 });
 * assertEquals([sinceOpen.mutations, life.mutations], [1, 1]);
 * assert(sinceOpen.cardBytes >= 4096, "a card takes whole pages");
 * assert(cardYears! > 0);
 * ```
 *
 * @module
 */

export { StateManager } from "./src/state_manager.ts";
export type { BackupReport } from "./src/state/backup.ts";
export type { CompactionReport } from "./src/state/compaction.ts";
export type {
  DirectoryEntry,
  DurableFile,
  DurableFs,
  DurableLock,
  FileIdentity,
  MaybePromise,
  OpenMode,
} from "./src/durable_fs.ts";
export {
  BusyError,
  ClosedError,
  CorruptionError,
  DirectoryGoneError,
  DiskFullError,
  type ErrorDetails,
  ForeignFormatError,
  HistoryGoneError,
  InvalidMutationError,
  InvalidStateError,
  IoError,
  LockedError,
  MigrationError,
  MinistateError,
  MutationRejectedError,
  MutatorChangedError,
  NoStateError,
  PoisonedError,
  ReadOnlyError,
  TooLargeError,
  TooNewError,
} from "./src/errors.ts";
export type { Change } from "./src/state/changes.ts";
export type { ChangesOptions, CloseOptions } from "./src/options.ts";
export type { SequenceRange } from "./src/recovery/corruption.ts";
export type {
  Applied,
  DeepReadonly,
  Migration,
  MutationContext,
  Mutator,
  MutatorBase,
  Reducer,
} from "./src/state/types.ts";
export { DROP } from "./src/state/types.ts";
export type { AsJson, Json, JsonOf, NotJson } from "./src/format/json_types.ts";
export type { JournalOptions, Stall, StateManagerOptions, WaitingMax } from "./src/options.ts";
export type {
  LostRecords,
  RecoveryReport,
  SkippedSnapshot,
  TornTail,
} from "./src/recovery/report.ts";
export type { SnapshotInfo } from "./src/snapshot/snapshot_file.ts";
export type { SchemaResult, StandardSchema } from "./src/state/standard_schema.ts";
export type { HistoryDifference, VerifyReport } from "./src/state/verify_report.ts";
export type { Stats } from "./src/wear/stats.ts";
export type { StatsOptions } from "./src/options.ts";
export type { CompactionFailure } from "./src/format/compaction_failure.ts";
export type { WriteCounts, WriteRatios, WriteTotals } from "./src/format/write_totals.ts";
