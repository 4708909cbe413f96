/**
 * The snapshots alone: whole states, each in one checksummed file that is complete or not there.
 *
 * @example Create and restore
 * ```ts
 * import { SnapshotStore } from "@ministate/ministate/snapshot";
 * import { assertEquals } from "@std/assert";
 *
 * await using store = await SnapshotStore.open<{ lamp: string }>("state", "home.wal.jsonl");
 * assertEquals(await store.exists(), false);
 * await store.create(7, { lamp: "on" }); // durable and verified once this resolves
 * const restored = await store.restore();
 * assertEquals(restored?.state, { lamp: "on" });
 * assertEquals(restored?.sequence, 7);
 * ```
 *
 * @module
 */

export type { SkippedSnapshot } from "./src/recovery/report.ts";
export type { SnapshotStoreOptions } from "./src/options.ts";
export { type RestoredSnapshot, SnapshotStore } from "./src/snapshot_store.ts";
export { type SnapshotInfo } from "./src/snapshot/snapshot_file.ts";
