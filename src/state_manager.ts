/**
 * The state manager: one state in memory. Every mutation is durable before it becomes visible.
 *
 * @module
 */

import type { AutomaticCompaction } from "./state/automatic_compaction.ts";
import { type BackupReport, backupState } from "./state/backup.ts";
import { detectPlace } from "../runtime/detect.ts";
import { closeAfterFailure } from "./disk/close_file.ts";
import type { Compaction, CompactionReport } from "./state/compaction.ts";
import type { MinistateError } from "./errors.ts";
import { closedError, readOnlyError } from "./failures.ts";
import { copyJson } from "./format/copy_json.ts";
import { type Change, Changes } from "./state/changes.ts";
import type { ChangesOptions, CloseOptions } from "./options.ts";
import { checkPast, type RebuildPieces, rebuildState } from "./state/history.ts";
import type { JsonOf } from "./format/json_types.ts";
import { InTurn } from "./state/in_turn.ts";
import { limitAt, type ReadLimit } from "./journal/journal_cursor.ts";
import type { JournalWriter } from "./journal/journal_writer.ts";
import type { Applied, DeepReadonly, MutationContext, Mutator, Reducer } from "./state/types.ts";
import type { StateMachine } from "./state/state_machine.ts";
import { checkOptions, closeSettings, eachMutation } from "./options.ts";
import { type StateManagerOptions, stateManagerSettings } from "./options.ts";
import type { Recovered } from "./recovery/recovery.ts";
import type { RecoveryReport } from "./recovery/report.ts";
import type { SnapshotInfo } from "./snapshot/snapshot_file.ts";
import { validate } from "./state/standard_schema.ts";
import type { StateDirectory } from "./journal/state_directory.ts";
import { type OpenedState, openState } from "./state/state_open.ts";
import { upkeepOf } from "./state/upkeep.ts";
import { verifyOpened } from "./state/verify_files.ts";
import type { VerifyReport } from "./state/verify_report.ts";
import { type Stats, statsOf } from "./wear/stats.ts";
import type { StatsOptions } from "./options.ts";

/**
 * Crash-safe state, held in memory and changed only by mutations that are journaled and synced.
 *
 * @typeParam S the state
 * @typeParam M the mutations
 * @typeParam R what `apply` gives: what the mutator returns, deeply read-only; a reducer returns the state
 *
 * @example Change a state, durably
 * ```ts
 * import { StateManager } from "@ministate/ministate";
 * import { assertEquals } from "@std/assert";
 *
 * const counter = {
 *   initial: () => ({ value: 0 }),
 *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
 * };
 * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
 *
 * const { sequence, result } = await manager.apply({ by: 10 }); // durable once this resolves
 * assertEquals([sequence, result, manager.state.value], [1, 10, 10]);
 * ```
 */
export class StateManager<S, M, R = unknown> {
  readonly #directory: StateDirectory;
  readonly #machine: StateMachine<S, M, R>;
  readonly #recovered: Recovered;
  readonly #writer: JournalWriter | null;
  readonly #compaction: Compaction | null;
  readonly #automatic: AutomaticCompaction | null;
  readonly #changes: Changes<M>;
  /** Jobs that read more than one file run one at a time, and closing waits for them. */
  readonly #turn: InTurn;
  #closed = false;
  /** The snapshot that `close` was asked for. Resolves with its failure, or `null`. */
  #lastSnapshot: Promise<{ error: unknown } | null> | null = null;
  /** What `open` found and did. */
  readonly recovery: RecoveryReport;

  private constructor(opened: OpenedState<S, M, R>) {
    const { directory, machine, recovered } = opened;
    const { writer } = recovered;
    this.#directory = directory;
    this.#machine = machine;
    this.#recovered = recovered;
    this.#writer = writer;
    this.#changes = new Changes(directory, recovered, machine.carryOver.bind(machine));
    this.recovery = recovered.report;
    const { compaction, automatic } = upkeepOf(
      opened,
      (sequence, pieces) => this.#rebuild(sequence, pieces),
    );
    this.#compaction = compaction;
    this.#automatic = automatic;
    this.#turn = compaction?.turn ?? new InTurn();
  }

  /**
   * Opens a state directory, creating it if missing, and recovers its state: everything acknowledged, in order.
   *
   * @param directory the state directory; one writer at a time
   * @param name the journal's name, such as `counter.wal.jsonl`; its files begin with it
   * @param mutator the initial state and what a mutation does to it
   * @param options see {@linkcode StateManagerOptions}
   * @returns the manager, which holds the directory's lock until it is closed (unless read-only)
   * @throws {CorruptionError} when acknowledged bytes are damaged (see the option `onCorruption`)
   * @throws {NoStateError} with `create: false`, when the directory is missing or holds no state; nothing was created
   * @throws {LockedError} when another manager has the directory
   * @throws {ForeignFormatError} when the directory belongs to another mutator or holds another journal
   * @throws {TooNewError} when a newer version wrote it
   * @throws {MigrationError} when the mutator can't migrate an older version
   * @throws {MutatorChangedError} when the mutator refuses a mutation that was accepted when it was journaled
   * @throws {DiskFullError} when there is no space to begin a journal
   * @throws {IoError} when the operating system refuses
   * @throws {TypeError} when an option, the name or the mutator is invalid
   * @throws {RangeError} when a number in the options or the mutator is out of range
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
   * {
   *   await using manager = await StateManager.open("state", "log.wal.jsonl", log);
   *   await manager.apply("hello");
   * }
   * await using manager = await StateManager.open("state", "log.wal.jsonl", log);
   * assertEquals(manager.snapshot(), ["hello"]);
   * assertEquals(manager.recovery.replayed, 1);
   * ```
   */
  static async open<S extends JsonOf<S>, M extends JsonOf<M> = unknown, R = unknown>(
    directory: string,
    name: string,
    // The last part only infers what the reducer returns.
    mutator:
      | Mutator<S, M, R>
      | (Reducer<S, M> & { reduce(state: S, mutation: M, context: MutationContext): R }),
    options: StateManagerOptions = {},
  ): Promise<StateManager<S, M, DeepReadonly<R>>> {
    const place = await detectPlace(directory, options?.fs);
    const settings = stateManagerSettings(options, place.fs);
    const opened = await openState<S, M, R>(place.directory, name, mutator, settings);
    // What the mutator returns may be part of the live state.
    const manager = new StateManager(opened as OpenedState<S, M, unknown>) as StateManager<
      S,
      M,
      DeepReadonly<R>
    >;
    try {
      // A migration is stored at once: from here on, nothing of the older version is needed.
      if (manager.recovery.migratedFrom !== null) {
        await manager.#compaction?.createSnapshotIfSpace();
      }
      return manager;
    } catch (error) {
      await closeAfterFailure(manager);
      throw error;
    }
  }

  /** The live state. Always durable. Don't change it: use `apply`. A reference to part of it is not a copy. */
  get state(): DeepReadonly<S> {
    return this.#machine.state as DeepReadonly<S>;
  }

  /**
   * An independent deep copy of the state.
   *
   * @example Keep a state as it is now
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *
   * const before = manager.snapshot();
   * await manager.apply({ by: 1 });
   * assertEquals([before.value, manager.state.value], [0, 1]);
   * ```
   */
  snapshot(): S {
    return copyJson(this.#machine.state);
  }

  /** The last mutation's number; 0 before the first. */
  get sequence(): number {
    return this.#machine.sequence;
  }

  /** Why the last automatic compaction failed; `null` when it did not. A failure affects no mutation. */
  get compactionError(): MinistateError | null {
    return this.#automatic?.failure ?? null;
  }

  /** The segment that is being written; when read-only, the newest one. */
  get journalPath(): string {
    return this.#writer?.path ?? this.#recovered.files.segments.at(-1)?.path ??
      this.#directory.path;
  }

  /** The state directory. */
  get stateDir(): string {
    return this.#directory.path;
  }

  /**
   * Journals a mutation, syncs it, then applies it. Durable once it resolves. Calls that wait at the same time
   * share one write and one sync and are applied in call order.
   *
   * @param mutation a JSON value; the mutator gets a copy
   * @returns the mutation's sequence and the mutator's result, which is the next state for a reducer. It may be part of
   *   the live state: don't change it
   * @throws {MutationRejectedError} when the mutator refuses it; the state is as it was
   * @throws {InvalidMutationError} when it is not JSON, or the schema refuses it; it is not journaled
   * @throws {TooLargeError} when its record would be too large; it is not journaled
   * @throws {BusyError} when too many calls wait; it is not journaled, and can be tried again
   * @throws {DiskFullError} when there is no space; nothing changed, and calls work again once there is
   * @throws {IoError} when a new segment can't be begun; nothing changed, and calls work again once one can
   * @throws {PoisonedError} when a sync failed, now or before; reopen to continue
   * @throws {ClosedError} when the manager is closed
   * @throws {ReadOnlyError} when it was opened read-only
   *
   * @example Apply mutations that share one sync
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *
   * // Not awaited one by one: calls that wait at the same time cost one write and one sync.
   * const applied = await Promise.all([manager.apply({ by: 1 }), manager.apply({ by: 2 })]);
   * assertEquals(applied, [{ sequence: 1, result: 1 }, { sequence: 2, result: 3 }]);
   * ```
   */
  apply(mutation: M): Promise<Applied<R>> {
    try {
      return this.#submit([this.#encode(mutation)], firstOf);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Applies several mutations as one atomic group: after a power cut all of them are there, or none.
   *
   * When the mutator refuses one of them, none is applied. To apply the others all the same, call `apply` for each:
   * they share a write and a sync anyway.
   *
   * @param mutations JSON values; an empty array resolves at once
   * @returns each mutation's sequence and result, in order
   * @throws {MutationRejectedError} when the mutator refuses at least one; none is applied
   * @throws {InvalidMutationError} when one is not JSON, or the schema refuses it; none is journaled
   * @throws {TooLargeError} when the group doesn't fit in one batch; none is journaled
   * @throws {TypeError} when it is not given an array
   * @throws {MinistateError} in every other case in which {@linkcode StateManager.apply} throws
   *
   * @example Move an amount in one step
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const accounts = {
   *   initial: () => ({ ann: 5, bob: 0 }),
   *   apply: (state: { ann: number; bob: number }, add: { to: "ann" | "bob"; amount: number }) =>
   *     state[add.to] += add.amount,
   * };
   * await using manager = await StateManager.open("state", "accounts.wal.jsonl", accounts);
   *
   * // After a power cut, either both are there or neither.
   * await manager.applyAll([{ to: "ann", amount: -2 }, { to: "bob", amount: 2 }]);
   * assertEquals(manager.snapshot(), { ann: 3, bob: 2 });
   * ```
   */
  applyAll(mutations: readonly M[]): Promise<Applied<R>[]> {
    try {
      this.#writable();
      const texts = eachMutation(mutations, (mutation) => this.#encode(mutation));
      // An empty group needs no journal entry.
      return texts.length === 0 ? Promise.resolve([]) : this.#submit(texts, allOf);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #encode(mutation: M): string {
    const writer = this.#writable();
    const { schema } = this.#machine;
    return writer.encode(schema === undefined ? mutation : validate(schema, mutation));
  }

  /** Not `async`: wrapping the queue's promise in another would cost turns of the microtask queue. */
  #submit<T>(texts: string[], resultOf: (applied: Applied<R>[]) => T): Promise<T> {
    const writer = this.#writable();
    return writer.submit(this.#machine.call(texts, resultOf));
  }

  #writable(): JournalWriter {
    this.#refuseClosed();
    if (this.#writer === null) throw readOnlyError(this.stateDir);
    return this.#writer;
  }

  #refuseClosed(): void {
    if (this.#closed) throw closedError(this.stateDir);
  }

  /**
   * Writes a snapshot, synced and verified, from which the next `open` starts. Mutations continue meanwhile. With
   * automatic compaction, this also deletes what {@linkcode StateManager.compact} deletes.
   *
   * @returns the snapshot's path, sequence and size in bytes
   * @throws {InvalidStateError} when the state is not JSON
   * @throws {DiskFullError} when there is no space for it
   * @throws {ClosedError} when the manager is closed
   * @throws {ReadOnlyError} when it was opened read-only
   *
   * @example Replay nothing at the next start
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * {
   *   await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *   await manager.apply({ by: 1 });
   *   const { sequence } = await manager.createSnapshot();
   *   assertEquals(sequence, 1);
   * }
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   * assertEquals([manager.state.value, manager.recovery.replayed], [1, 0]);
   * ```
   */
  async createSnapshot(): Promise<SnapshotInfo> {
    this.#writable();
    const compaction = this.#compaction!;
    // Otherwise a program that writes one every hour would fill its card: the journal never gets long.
    if (this.#automatic !== null) return (await compaction.compact()).snapshot;
    return await compaction.createSnapshot();
  }

  /**
   * Writes a snapshot, then deletes the journal and the snapshots that are no longer needed. At least two snapshots are
   * kept, with the journal after the older one, so that a damaged snapshot costs nothing. The first compaction of a
   * directory therefore deletes nothing.
   *
   * @returns the new snapshot, and the paths that were deleted
   * @throws {InvalidStateError} when the state is not JSON
   * @throws {DiskFullError} when there is no space for the snapshot, even after freeing what could be freed
   * @throws {ClosedError} when the manager is closed
   * @throws {ReadOnlyError} when it was opened read-only
   *
   * @example Compact at a time of your choice
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assert, assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter, {
   *   compaction: "manual",
   * });
   *
   * await manager.apply({ by: 1 });
   * assertEquals((await manager.compact()).deleted, []); // two snapshots are kept
   * await manager.apply({ by: 1 });
   * await manager.compact();
   * await manager.apply({ by: 1 });
   * const { snapshot, deleted } = await manager.compact();
   * assertEquals(snapshot.sequence, 3);
   * assert(deleted.length > 0);
   * ```
   */
  async compact(): Promise<CompactionReport> {
    this.#writable();
    return await this.#compaction!.compact();
  }

  /**
   * Copies the state and its kept history to another directory, consistently, while mutations continue.
   *
   * @param directory the target; created if missing
   * @returns the last sequence in the backup, and how much was copied
   * @throws {CorruptionError} when the state's files are damaged; the target is then incomplete
   * @throws {IoError} when the target holds a state already, can't be written, or is moved or removed during the backup
   * @throws {DirectoryGoneError} when the state itself is no longer where it was opened
   * @throws {ClosedError} when the manager is closed
   *
   * @example Back up a live state, and open the backup
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *
   * await manager.apply({ by: 1 });
   * const { sequence } = await manager.backup("backup");
   * await manager.apply({ by: 1 }); // not in the backup
   * assertEquals(sequence, 1);
   *
   * await using backup = await StateManager.open("backup", "counter.wal.jsonl", counter);
   * assertEquals(backup.state.value, 1);
   * ```
   */
  async backup(directory: string): Promise<BackupReport> {
    this.#refuseClosed();
    // First, because the program may change its current directory while this waits for its turn.
    const target = await this.#directory.resolve(directory);
    const writer = this.#writer;
    return await this.#turn.run(async () => {
      const limit = await writer?.exclusive(() => Promise.resolve(writer.limit));
      return await backupState(this.#directory, target, limit ?? null, this.sequence);
    });
  }

  /**
   * Iterates committed mutations, including rejected ones: first those from `from` on that the journal still has, then
   * new ones. Leaving the loop, `return()`, an aborted `signal` and `close()` end it, even while it waits; none of them
   * is an error. A loop that keeps up opens no file and reads nothing from the disk.
   *
   * @param options where to begin, and when to end
   * @returns an iterator; each of its mutations is a copy of its own
   * @throws {HistoryGoneError} in the loop, when compaction has deleted what was asked for
   * @throws {ClosedError} when the manager is closed before the call
   * @throws {TypeError} when an option is unknown or of the wrong type
   * @throws {RangeError} when `from` is not a whole number of at least 0
   *
   * @example Follow mutations from the first one on
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *
   * await manager.applyAll([{ by: 1 }, { by: 2 }]);
   * const seen: number[] = [];
   * for await (const { sequence, mutation } of manager.changes({ from: 1 })) {
   *   seen.push(mutation.by);
   *   if (sequence === manager.sequence) break; // without this, it waits for the next mutation
   * }
   * assertEquals(seen, [1, 2]);
   * ```
   */
  changes(options: ChangesOptions = {}): AsyncGenerator<Change<M>, void, void> {
    this.#refuseClosed();
    return this.#changes.iterate(checkOptions(options), this.sequence);
  }

  /**
   * Rebuilds the state as it was after `sequence`, from the journal and the snapshots that are kept.
   *
   * @param sequence a whole number from 0 (the initial state) to the manager's sequence
   * @returns a state of its own: changing it changes nothing else
   * @throws {RangeError} when that sequence has not been reached yet
   * @throws {HistoryGoneError} when compaction has deleted the files that this needs
   * @throws {ClosedError} when the manager is closed
   *
   * @example Look into the past
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *
   * await manager.applyAll([{ by: 1 }, { by: 2 }]);
   * assertEquals(await manager.stateAt(1), { value: 1 });
   * assertEquals(await manager.stateAt(0), { value: 0 }); // the initial state
   * ```
   */
  async stateAt(sequence: number): Promise<S> {
    this.#refuseClosed();
    checkPast(sequence, this.sequence);
    return await this.#turn.run(() => this.#rebuild(sequence));
  }

  /**
   * Replays the kept history with this program, in memory of its own, and compares it with every later snapshot and with
   * the live state. A difference means that the program has changed what past mutations do, that it depends on something
   * other than those, or that something else changed the state. Mutations continue; the last comparison makes them wait.
   *
   * It takes as long as the replay of everything that is kept, and memory for two more states. To test a new program
   * before it is installed, use `ministate verify DIR --mutator FILE`.
   *
   * @returns what was compared, and the first difference or `null`; nothing is changed
   * @throws {HistoryGoneError} when another process's compaction has deleted all that leads to this state
   * @throws {CorruptionError} when what is kept is damaged
   * @throws {InvalidStateError} when the state holds a cycle
   * @throws {ClosedError} when the manager is closed
   *
   * @example Find a change of the program that changes the past
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const till = (percent: number) => ({
   *   initial: () => ({ cents: 0 }),
   *   apply: (state: { cents: number }, { sold }: { sold: number }) =>
   *     state.cents += sold + sold * percent / 100,
   * });
   * {
   *   await using manager = await StateManager.open("state", "till.wal.jsonl", till(20));
   *   await manager.apply({ sold: 100 });
   *   await manager.apply({ sold: 200 });
   *   await manager.createSnapshot();
   *   assertEquals((await manager.verify()).difference, null);
   * }
   * // The tax should have been a part of the mutation.
   * await using manager = await StateManager.open("state", "till.wal.jsonl", till(25));
   * const { difference } = await manager.verify();
   * assertEquals([difference?.path, difference?.expected, difference?.found], ["/cents", 360, 375]);
   * assertEquals([difference?.sequenceFirst, difference?.sequenceLast], [1, 2]);
   * ```
   */
  async verify(): Promise<VerifyReport> {
    this.#refuseClosed();
    return await this.#turn.run(() =>
      verifyOpened(this.#directory, this.#machine, this.#recovered)
    );
  }

  /** How far the files may be read. */
  get #limit(): ReadLimit {
    return this.#writer?.limit ?? limitAt(this.sequence, this.#recovered.refused);
  }

  #rebuild(sequence: number, pieces?: RebuildPieces): Promise<S> {
    const limit = () => ({ ...this.#limit, sequence });
    return rebuildState(this.#directory, this.#machine.fresh(), limit, pieces);
  }

  /**
   * What was written since opening and over the lifetime of the directory, and how long a card lasts at this rate.
   *
   * @param options what the card endures, in bytes
   * @returns counts and sizes in bytes; `cardYears` is `null` without `enduranceBytes`
   * @throws {TypeError} when an option is unknown or of the wrong type
   * @throws {RangeError} when `enduranceBytes` is not a whole number of at least 1
   *
   * @example Estimate how long a card of 30 TB lasts
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assert, assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *
   * await manager.apply({ by: 1 });
   * const { sinceOpen, cardYears } = manager.stats({ enduranceBytes: 30e12 });
   * assertEquals(sinceOpen.mutations, 1);
   * assert(sinceOpen.cardBytes >= 4096, "a card takes whole pages");
   * assert(cardYears! > 0);
   * ```
   */
  stats(options: StatsOptions = {}): Stats {
    const waiting = this.#writer?.queue.waiting ?? { calls: 0, bytes: 0 };
    return statsOf(this.#recovered.writeCounter, waiting, options);
  }

  /**
   * Waits for everything in progress, writes a seal, trims the segment and releases the lock.
   *
   * With `snapshot`, writes a snapshot first, so that the next `open` replays nothing. When that fails, the manager is
   * closed all the same, the lock is released, nothing is lost, and the call rejects with the reason.
   *
   * @param options whether to write a snapshot first
   * @throws {TypeError} when an option is unknown or of the wrong type; the manager stays open
   * @throws {InvalidStateError} with `snapshot`, when the state is not JSON; the manager is closed
   * @throws {DiskFullError} with `snapshot`, when there is no space for it; the manager is closed
   * @throws {ReadOnlyError} with `snapshot`, when it was opened read-only; the manager is closed
   * @throws {ClosedError} with `snapshot`, when it was closed before without one
   *
   * @example Close, and open again
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * const manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   * const applied = manager.apply({ by: 1 });
   * await manager.close(); // waits for what was called before
   * assertEquals((await applied).result, 1);
   *
   * await using again = await StateManager.open("state", "counter.wal.jsonl", counter);
   * assertEquals(again.recovery.sealed, true);
   * ```
   *
   * @example Leave nothing to replay
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * const manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   * await manager.apply({ by: 1 });
   * await manager.close({ snapshot: true });
   *
   * await using again = await StateManager.open("state", "counter.wal.jsonl", counter);
   * assertEquals([again.state.value, again.recovery.replayed], [1, 0]);
   * ```
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { snapshot } = closeSettings(options);
    const isFirst = !this.#closed;
    this.#closed = true;
    this.#changes.close();
    this.#automatic?.stop();
    if (snapshot) this.#lastSnapshot ??= this.#writeLastSnapshot(isFirst);
    const failure = await this.#lastSnapshot;
    try {
      await this.#turn.idle();
      await this.#writer?.close();
    } finally {
      await this.#directory.close();
    }
    // Only the caller who asked for the snapshot learns of its failure: the close itself succeeded.
    if (snapshot && failure !== null) throw failure.error;
  }

  /** A failure must not prevent the close. */
  async #writeLastSnapshot(isFirst: boolean): Promise<{ error: unknown } | null> {
    try {
      if (!isFirst) throw closedError(this.stateDir);
      if (this.#compaction === null) throw readOnlyError(this.stateDir);
      await this.#compaction.leaveNoTail(this.#automatic !== null);
      return null;
    } catch (error) {
      return { error };
    }
  }

  /**
   * Same as `close`, for `await using`.
   *
   * @example Close at the end of a block
   * ```ts
   * import { StateManager } from "@ministate/ministate";
   * import { assertEquals } from "@std/assert";
   *
   * const counter = {
   *   initial: () => ({ value: 0 }),
   *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
   * };
   * {
   *   await using manager = await StateManager.open("state", "counter.wal.jsonl", counter);
   *   await manager.apply({ by: 1 });
   * } // closed here, also when the block throws
   * await using again = await StateManager.open("state", "counter.wal.jsonl", counter);
   * assertEquals(again.state.value, 1);
   * ```
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** For `await using`. The declarations that JSR makes of the class lack its method (denoland/deno#36567). */
export interface StateManager<S, M, R = unknown> extends AsyncDisposable {}

/** What a call of a single mutation resolves to. Made once rather than for each call: there are many per second. */
function firstOf<R>(applied: Applied<R>[]): Applied<R> {
  return applied[0]!;
}

/** What the call of a group resolves to. */
function allOf<R>(applied: Applied<R>[]): Applied<R>[] {
  return applied;
}
