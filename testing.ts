/**
 * For tests of programs that keep their state with ministate: a disk that loses power, and a check of mutators.
 *
 * @example Find a mutator that reads the clock
 * ```ts
 * import { checkMutator, MutatorCheckError } from "@ministate/ministate/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const readings = {
 *   initial: () => ({ latest: 0, at: 0 }),
 *   apply(state: { latest: number; at: number }, mutation: { celsius: number }) {
 *     if (mutation.celsius < -273) throw new RangeError("colder than cold");
 *     state.latest = mutation.celsius;
 *     state.at = Date.now(); // a bug: on a replay it is another time; use context.timestamp
 *   },
 * };
 *
 * const error = await assertRejects(
 *   () => checkMutator(readings, { generate: (random) => ({ celsius: random.below(60) - 20 }) }),
 *   MutatorCheckError,
 * );
 * assertEquals(error.rule, "deterministic");
 * assertEquals(error.mutations.length, 1); // the fewest that show it
 * ```
 *
 * @example Cut the power of a whole program
 * ```ts
 * import { StateManager } from "@ministate/ministate";
 * import { crashImages, PowerCutDisk } from "@ministate/ministate/testing";
 * import { assert } from "@std/assert";
 *
 * const counter = {
 *   initial: () => ({ value: 0 }),
 *   apply: (state: { value: number }, { by }: { by: number }) => state.value += by,
 * };
 *
 * const disk = new PowerCutDisk();
 * const manager = await StateManager.open("/state", "counter.wal.jsonl", counter, { fs: disk });
 * await manager.apply({ by: 1 }); // acknowledged
 * disk.cutAt = disk.calls + 2; // the power goes while the next one is being synced
 * await manager.apply({ by: 1 }).catch(() => {});
 *
 * for (const image of crashImages(disk)) {
 *   await using recovered = await StateManager.open("/state", "counter.wal.jsonl", counter, {
 *     fs: image,
 *   });
 *   assert(recovered.state.value >= 1);
 * }
 * ```
 *
 * @module
 */

export {
  checkMutator,
  type CheckMutatorOptions,
  MutatorCheckError,
  type MutatorReport,
  type OlderVersion,
} from "./testing/check_mutator.ts";
export type { Chooser } from "./testing/disk/chooser.ts";
export { crashImages, type CrashImagesOptions } from "./testing/disk/crash_images.ts";
export {
  type DiskCall,
  DiskCalls,
  type Fault,
  isPowerCut,
  PowerCutError,
} from "./testing/disk/disk_calls.ts";
export { DiskContents } from "./testing/disk/disk_contents.ts";
export { SpecialFile } from "./testing/disk/names.ts";
export { ANY_POWER_CUT, EXTREME_POWER_CUTS, type PowerCut } from "./testing/disk/power_cut.ts";
export { PowerCutDisk } from "./testing/disk/power_cut_disk.ts";
export { Random } from "./testing/disk/random.ts";
export type { MutatorRule } from "./testing/mutator_rules.ts";
export type { AnyMutator, MutatorSource } from "./testing/subject.ts";
export type {
  DirectoryEntry,
  DurableFile,
  DurableFs,
  DurableLock,
  FileIdentity,
  MaybePromise,
  OpenMode,
} from "./src/durable_fs.ts";
export type {
  Migration,
  MutationContext,
  Mutator,
  MutatorBase,
  Reducer,
} from "./src/state/types.ts";
export type { AsJson, Json, JsonOf, NotJson } from "./src/format/json_types.ts";
export type { HistoryDifference, VerifyReport } from "./src/state/verify_report.ts";
export type { SchemaResult, StandardSchema } from "./src/state/standard_schema.ts";
