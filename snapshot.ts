/**
 * The snapshots alone: whole states, each in one checksummed file that is complete or not there.
 *
 * @example Create and restore
 * ```ts
 * import { SnapshotStore } from "@ministate/ministate/snapshot";
 * import { assertEquals } from "@std/assert";
 *
 * const directory = await Deno.makeTempDir();
 * await using store = await SnapshotStore.open<{ lamp: string }>(directory, "home.wal.jsonl");
 * assertEquals(await store.exists(), false);
 * await store.create(7, { lamp: "on" }); // durable and verified once this resolves
 * const restored = await store.restore();
 * assertEquals(restored?.state, { lamp: "on" });
 * assertEquals(restored?.sequence, 7);
 * ```
 *
 * @module
 */

import { detectFs, fromHere } from "./runtime/detect.ts";
import type { SnapshotStoreOptions } from "./src/options.ts";
import { SnapshotStore as SnapshotStoreCore } from "./src/snapshot/snapshot_store.ts";

/**
 * Snapshots of states, written aside, synced, verified and renamed, so that each is complete or not there.
 *
 * @typeParam S the state, which must be JSON
 */
export class SnapshotStore<S = unknown> extends SnapshotStoreCore<S> {
  /**
   * Opens the snapshots of a state directory, made when it is missing.
   *
   * @param directory the state directory; one writer at a time
   * @param name the journal's name, such as `home.wal.jsonl`; the files begin with it
   * @throws {NoStateError} with `create: false`, when the directory is missing or holds no state; nothing was made
   * @throws {LockedError} when another writer has the directory
   * @throws {ForeignFormatError} when the directory holds another journal
   * @throws {IoError} when the operating system refuses
   * @throws {TypeError} when an option or the name is not valid
   */
  static async open<S = unknown>(
    directory: string,
    name: string,
    options: SnapshotStoreOptions = {},
  ): Promise<SnapshotStore<S>> {
    const place = options?.fs === undefined ? fromHere(directory) : directory;
    const fs = options?.fs ?? await detectFs();
    return await super.openOn(
      fs,
      place,
      name,
      options,
      (...opened) => new SnapshotStore<S>(...opened),
    );
  }
}

export type { SkippedSnapshot } from "./src/recovery/recovery_report.ts";
export type { SnapshotStoreOptions } from "./src/options.ts";
export type { RestoredSnapshot, SnapshotInfo } from "./src/snapshot/snapshot_store.ts";
export { SnapshotStore as SnapshotStoreBase } from "./src/snapshot/snapshot_store.ts";
