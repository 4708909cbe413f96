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
 * const directory = await Deno.makeTempDir();
 * await using manager = await StateManager.open(directory, "counter.wal.jsonl", counter);
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
 * const directory = await Deno.makeTempDir();
 * await using manager = await StateManager.open(directory, "last.wal.jsonl", last);
 * await manager.apply(7);
 * const { sinceOpen, life, cardYears } = manager.stats({ enduranceBytes: 30e12 });
 * assertEquals([sinceOpen.mutations, life.mutations], [1, 1]);
 * assert(sinceOpen.cardBytes >= 4096, "a card takes whole pages");
 * assert(cardYears! > 0);
 * ```
 *
 * @module
 */

import { detectFs, fromHere } from "./runtime/detect.ts";
import type { Mutator, Reducer } from "./src/state/mutator.ts";
import type { StateManagerOptions } from "./src/options.ts";
import { StateManager as StateManagerCore } from "./src/state/state_manager.ts";

/**
 * Crash-safe state: held in memory, changed only by mutations that are in the journal and synced.
 *
 * @typeParam S the state
 * @typeParam M the mutations
 * @typeParam R what the mutator returns
 */
export class StateManager<S, M, R = unknown> extends StateManagerCore<S, M, R> {
  /**
   * Opens a state directory, made when it is missing, and recovers its state: everything acknowledged, in order.
   *
   * @param directory the state directory; one writer at a time
   * @param name the journal's name, such as `counter.wal.jsonl`; its files begin with it
   * @param mutator the initial state and what a mutation does to it
   * @throws {CorruptionError} when acknowledged bytes are damaged (see the option `onCorruption`)
   * @throws {NoStateError} with `create: false`, when the directory is missing or holds no state; nothing was made
   * @throws {LockedError} when another manager has the directory
   * @throws {ForeignFormatError} when the directory is another mutator's or holds another journal
   * @throws {TooNewError} when a newer version wrote it
   * @throws {MigrationError} when the mutator can't carry an older version over
   * @throws {DiskFullError} when there is no space to begin a journal
   * @throws {IoError} when the operating system refuses
   * @throws {TypeError} when an option, the name or the mutator is not valid
   *
   * @example Open again and find everything
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const log = {
   *   initial: () => [] as string[],
   *   apply: (lines: string[], line: string) => lines.push(line),
   * };
   * const directory = await Deno.makeTempDir();
   * {
   *   await using manager = await StateManager.open(directory, "log.wal.jsonl", log);
   *   await manager.apply("hello");
   * }
   * await using manager = await StateManager.open(directory, "log.wal.jsonl", log);
   * assertEquals(manager.snapshot(), ["hello"]);
   * assertEquals(manager.recovery.replayed, 1);
   * ```
   */
  static async open<S, M, R = unknown>(
    directory: string,
    name: string,
    mutator: Mutator<S, M, R> | Reducer<S, M>,
    options: StateManagerOptions = {},
  ): Promise<StateManager<S, M, R>> {
    const place = options?.fs === undefined ? fromHere(directory) : directory;
    const fs = options?.fs ?? await detectFs();
    return await super.openOn(
      fs,
      place,
      name,
      mutator,
      options,
      (opened) => new StateManager(opened),
    );
  }
}

export type { BackupReport } from "./src/state/backup.ts";
export type { CompactionReport } from "./src/snapshot/compaction.ts";
export type {
  DirectoryEntry,
  DurableFile,
  DurableFs,
  DurableLock,
  FileIdentity,
  MaybePromise,
  OpenMode,
} from "./src/durable_fs.ts";
export * from "./src/errors.ts";
export type { Change, ChangesOptions } from "./src/state/changes.ts";
export type { SequenceRange } from "./src/recovery/corruption.ts";
export type {
  Applied,
  DeepReadonly,
  Migration,
  MutationContext,
  Mutator,
  MutatorBase,
  Reducer,
} from "./src/state/mutator.ts";
export type { JournalOptions, StateManagerOptions } from "./src/options.ts";
export type {
  LostRecords,
  RecoveryReport,
  SkippedSnapshot,
  TornTail,
} from "./src/recovery/recovery_report.ts";
export type { SnapshotInfo } from "./src/snapshot/snapshot_store.ts";
export type { SchemaResult, StandardSchema } from "./src/state/standard_schema.ts";
export type { Stats, StatsOptions } from "./src/state/stats.ts";
export type { Life, Traffic, TrafficRatios } from "./src/traffic.ts";
export { StateManager as StateManagerBase } from "./src/state/state_manager.ts";
