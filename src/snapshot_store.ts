/**
 * The snapshots alone: whole states, each in one verified file.
 *
 * @module
 */

import type { SnapshotInfo } from "./snapshot/snapshot_file.ts";
import { detectPlace } from "../runtime/detect.ts";
import { closeAfterFailure } from "./disk/close_file.ts";
import { readOnlyError } from "./failures.ts";
import type { JsonOf } from "./format/json_types.ts";
import { FORMAT, SEQUENCE_MAX } from "./format/format.ts";
import { drawId } from "./journal/journal_identity.ts";
import { editionOf, type Editions, headerEdition } from "./disk/editions.ts";
import type { NamedFile } from "./disk/names.ts";
import { holdsState } from "./disk/state_presence.ts";
import { InTurn } from "./state/in_turn.ts";
import { checkSequence, type SnapshotStoreOptions, snapshotStoreSettings } from "./options.ts";
import { readIdentity } from "./recovery/identity.ts";
import type { SkippedSnapshot } from "./recovery/report.ts";
import { encodeState } from "./format/snapshot_encode.ts";
import { besideStuck } from "./snapshot/beside_stuck.ts";
import { writeSnapshot } from "./snapshot/snapshot_file.ts";
import { readNewestSnapshot, skippedSnapshot } from "./recovery/snapshot_facts.ts";
import { StateDirectory } from "./journal/state_directory.ts";

/** A state that was read back and verified to the last byte. */
export interface RestoredSnapshot<S> extends SnapshotInfo {
  /** The state. No one else holds a reference to it. */
  state: S;
  /** Newer snapshots that were damaged. */
  skipped: SkippedSnapshot[];
}

/**
 * Snapshots of states: written to a temporary file, synced, verified and renamed, so that each is complete or absent.
 *
 * @typeParam S the state, which must be JSON
 *
 * @example Create and restore
 * ```ts
 * import { SnapshotStore } from "@ministate/ministate/snapshot";
 * import { assertEquals } from "@std/assert";
 *
 * await using store = await SnapshotStore.open<{ lamp: string }>("state", "home.wal.jsonl");
 *
 * await store.create(7, { lamp: "on" }); // durable and verified once this resolves
 * assertEquals((await store.restore())?.state, { lamp: "on" });
 * ```
 */
export class SnapshotStore<S = unknown> {
  readonly #directory: StateDirectory;
  readonly #readOnly: boolean;
  readonly #id: string;
  /** The edition of its snapshots: a snapshot of an earlier edition may not count. */
  #editions: Editions;
  readonly #turn = new InTurn();

  private constructor(
    directory: StateDirectory,
    readOnly: boolean,
    { id, editions }: { id: string; editions: Editions },
  ) {
    this.#directory = directory;
    this.#readOnly = readOnly;
    this.#id = id;
    this.#editions = editions;
  }

  /**
   * Opens the snapshots of a state directory, creating it if missing.
   *
   * @param directory the state directory; one writer at a time
   * @param name the journal's name, such as `home.wal.jsonl`; the files begin with it
   * @param options see {@linkcode SnapshotStoreOptions}
   * @returns the store, which holds the directory's lock until it is closed (unless read-only)
   * @throws {NoStateError} with `create: false`, when the directory is missing or holds no state; nothing was created
   * @throws {LockedError} when another writer has the directory
   * @throws {ForeignFormatError} when the directory holds another journal
   * @throws {IoError} when the operating system refuses
   * @throws {TypeError} when an option or the name is invalid
   *
   * @example Read beside the writer
   * ```ts
   * import { SnapshotStore } from "@ministate/ministate/snapshot";
   * import { assertEquals } from "@std/assert";
   *
   * await using store = await SnapshotStore.open<{ lamp: string }>("state", "home.wal.jsonl");
   * await store.create(7, { lamp: "on" });
   *
   * await using reader = await SnapshotStore.open("state", "home.wal.jsonl", { readOnly: true });
   * assertEquals((await reader.restore())?.sequence, 7);
   * ```
   */
  static async open<S extends JsonOf<S> = unknown>(
    directory: string,
    name: string,
    options: SnapshotStoreOptions = {},
  ): Promise<SnapshotStore<S>> {
    const place = await detectPlace(directory, options?.fs);
    const settings = snapshotStoreSettings(options, place.fs);
    const { readOnly } = settings;
    const opened = await StateDirectory.open(settings.fs, place.directory, name, settings);
    try {
      const files = await opened.listOpened(settings);
      const stored = await readIdentity(opened.fs, files);
      if (readOnly) opened.files.belongTo(stored?.id ?? null);
      else await opened.syncAncestors();
      const idRenewed = files.idRenewed || (stored?.idRenewed ?? holdsState(files));
      const editions = { edition: editionOf(files), editionFirsts: files.editionFirsts, idRenewed };
      const own = { id: stored?.id ?? drawId(), editions };
      return new SnapshotStore(opened, readOnly, own);
    } catch (error) {
      await closeAfterFailure(opened);
      throw error;
    }
  }

  /**
   * Writes a snapshot of `state`, the state after `sequence`. Durable and verified once it resolves.
   *
   * @param sequence the last mutation that the state includes; 0 before the first
   * @param state a JSON value; later changes to it don't matter
   * @returns the snapshot's path, sequence and size in bytes
   * @throws {InvalidStateError} when the state is not JSON
   * @throws {DiskFullError} when there is no space; nothing is left behind
   * @throws {RangeError} when `sequence` is not a whole number, or is negative or too large
   * @throws {ClosedError} when the store is closed
   * @throws {ReadOnlyError} when it was opened read-only
   *
   * @example Create a snapshot
   * ```ts
   * import { SnapshotStore } from "@ministate/ministate/snapshot";
   * import { assertEquals } from "@std/assert";
   *
   * await using store = await SnapshotStore.open<{ lamp: string }>("state", "home.wal.jsonl");
   *
   * const { sequence, size } = await store.create(7, { lamp: "on" });
   * assertEquals(sequence, 7);
   * assertEquals(size > 0, true);
   * ```
   */
  async create(sequence: number, state: S): Promise<SnapshotInfo> {
    this.#directory.refuseClosed();
    if (this.#readOnly) {
      throw readOnlyError(this.#directory.path);
    }
    checkSnapshotSequence(sequence);
    const { path: directory, stem, fs } = this.#directory;
    const headerIn = (editions: Editions) => ({
      ministate: "snapshot" as const,
      format: FORMAT,
      id: this.#id,
      sequence,
      ...headerEdition(editions),
      mutator: null,
      version: 1,
      timestamp: Date.now(),
    });
    // Encoded now, in case the caller changes the state before its turn comes.
    const lines = [...encodeState(state)];
    // One at a time: two snapshots of the same sequence would write the same file.
    return await this.#turn.run(async () => {
      const naming = { directory, stem, ...this.#editions };
      const write = (file: NamedFile, editions: Editions) =>
        writeSnapshot(fs, directory, file, { header: headerIn(editions), lines });
      const written = await besideStuck(fs, naming, sequence, write);
      this.#editions = written.naming;
      return { path: written.path, sequence, size: written.size };
    });
  }

  /**
   * Reads the newest sound snapshot, or returns `null` when there is none.
   *
   * @returns the state with its sequence, and the newer snapshots that were damaged
   * @throws {TooNewError} when a newer version wrote it
   * @throws {ClosedError} when the store is closed
   *
   * @example Restore the newest snapshot
   * ```ts
   * import { SnapshotStore } from "@ministate/ministate/snapshot";
   * import { assertEquals } from "@std/assert";
   *
   * await using store = await SnapshotStore.open<{ lamp: string }>("state", "home.wal.jsonl");
   *
   * assertEquals(await store.restore(), null); // none yet
   * await store.create(7, { lamp: "on" });
   * await store.create(8, { lamp: "off" });
   * const restored = await store.restore();
   * assertEquals([restored?.sequence, restored?.state], [8, { lamp: "off" }]);
   * ```
   */
  async restore(): Promise<RestoredSnapshot<S> | null> {
    this.#directory.refuseClosed();
    const { files } = this.#directory;
    const { found, read } = await files.read(async () =>
      await readNewestSnapshot(files.fs, await files.list(), null)
    );
    await files.check();
    if (found === null) return null;
    const { file: { path, sequence }, state, size } = found;
    const skipped = read.filter(({ failure }) => failure !== null).toReversed().map(
      skippedSnapshot,
    );
    return { path, sequence, size, state: state as S, skipped };
  }

  /**
   * Whether there is any snapshot, sound or not.
   *
   * @throws {ClosedError} when the store is closed
   *
   * @example Look for a snapshot
   * ```ts
   * import { SnapshotStore } from "@ministate/ministate/snapshot";
   * import { assertEquals } from "@std/assert";
   *
   * await using store = await SnapshotStore.open<{ lamp: string }>("state", "home.wal.jsonl");
   *
   * assertEquals(await store.exists(), false);
   * await store.create(7, { lamp: "on" });
   * assertEquals(await store.exists(), true);
   * ```
   */
  async exists(): Promise<boolean> {
    this.#directory.refuseClosed();
    const { snapshots } = await this.#directory.list();
    await this.#directory.files.check();
    return snapshots.length > 0;
  }

  /**
   * Waits for snapshots being written, and releases the lock.
   *
   * @example Close and open again
   * ```ts
   * import { SnapshotStore } from "@ministate/ministate/snapshot";
   * import { assertEquals } from "@std/assert";
   *
   * const store = await SnapshotStore.open("state", "home.wal.jsonl");
   * const created = store.create(7, { lamp: "on" });
   * await store.close(); // waits for what was called before
   * assertEquals((await created).sequence, 7);
   *
   * await using again = await SnapshotStore.open("state", "home.wal.jsonl");
   * assertEquals(await again.exists(), true);
   * ```
   */
  async close(): Promise<void> {
    await this.#directory.close(this.#turn.idle());
  }

  /**
   * Same as `close`, for `await using`.
   *
   * @example Close at the end of a block
   * ```ts
   * import { SnapshotStore } from "@ministate/ministate/snapshot";
   * import { assertEquals } from "@std/assert";
   *
   * {
   *   await using store = await SnapshotStore.open("state", "home.wal.jsonl");
   *   await store.create(7, { lamp: "on" });
   * } // closed here, also when the block throws
   * await using again = await SnapshotStore.open("state", "home.wal.jsonl");
   * assertEquals(await again.exists(), true);
   * ```
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** For `await using`. The declarations that JSR makes of the class lack its method (denoland/deno#36567). */
export interface SnapshotStore<S = unknown> extends AsyncDisposable {}

function checkSnapshotSequence(sequence: number): void {
  if (checkSequence("sequence", sequence) <= SEQUENCE_MAX) return;
  throw new RangeError(`"sequence" must be ${SEQUENCE_MAX} at most, got ${sequence}`);
}
