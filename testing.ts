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

import { crashImages } from "./testing/disk/crash_images.ts";
import { PowerCutDisk } from "./testing/disk/power_cut_disk.ts";
import { Random } from "./testing/disk/random.ts";
import {
  checkMutatorOn,
  type CheckMutatorOptions,
  type MutatorReport,
} from "./testing/check_mutator.ts";
import type { Simulator } from "./testing/simulator.ts";
import type { AnyMutator, MutatorSource } from "./testing/subject.ts";

const simulator: Simulator = {
  disk: () => new PowerCutDisk(),
  images: (disk, options) => crashImages(disk as PowerCutDisk, options),
  random: (seed) => new Random(seed),
};

/**
 * Checks that a mutator is fit for crash safety: the same outcome on every replay, at another time, in another time zone
 * and locale, with other random numbers, and from a snapshot at any place; nothing left to run later; the state untouched when it throws, and JSON always; every power cut survived, at every call of the
 * disk; states of older versions carried over, whatever moment the power goes at.
 *
 * @typeParam S the state
 * @typeParam M the mutations
 * @param mutator the mutator, in either style; better a function that makes one, so that no run sees what another one
 *   left in variables, as no process sees those of the one before it
 * @param options how mutations are made, and how many
 * @returns how much was checked
 * @throws {MutatorCheckError} when the mutator breaks a rule, with the fewest mutations found that show it
 * @throws {TypeError} when it is no mutator
 * @throws {InvalidMutationError} when `generate` makes what the mutator's schema refuses, or what is not JSON; the
 *   message has the seed and the mutation
 * @throws {TooLargeError} when `generate` makes what no record can hold
 *
 * @example Check a mutator that keeps a cache
 * ```ts
 * import { checkMutator } from "@ministate/ministate/testing";
 * import { assert } from "@std/assert";
 *
 * function makeCounter() {
 *   const cache = new Map<string, number>(); // gone after a restart: it must make no difference
 *   return {
 *     initial: () => ({}) as Record<string, number>,
 *     apply(state: Record<string, number>, { key }: { key: string }) {
 *       cache.set(key, (cache.get(key) ?? state[key] ?? 0) + 1);
 *       return state[key] = cache.get(key)!;
 *     },
 *   };
 * }
 *
 * const { crashStates } = await checkMutator(makeCounter, {
 *   generate: (random) => ({ key: random.pick(["a", "b"]) }),
 * });
 * assert(crashStates > 0);
 * ```
 */
export function checkMutator<S, M>(
  mutator: () => AnyMutator<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport>;
/** As above, with one mutator for all runs: enough where it keeps nothing in variables. */
export function checkMutator<S, M>(
  mutator: AnyMutator<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport>;
// Two, because a function has an `apply` of its own, from which TypeScript would infer the type of the mutations.
export async function checkMutator<S, M>(
  mutator: MutatorSource<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport> {
  return await checkMutatorOn<S, M>(simulator, mutator, options);
}

export {
  CallGate,
  type Fault,
  isPowerCut,
  type Operation,
  PowerCutError,
} from "./testing/disk/call_gate.ts";
export type { Chooser } from "./testing/disk/chooser.ts";
export type { CrashImagesOptions } from "./testing/disk/crash_images.ts";
export { Special } from "./testing/disk/names.ts";
export {
  ANY_POWER_CUT,
  EXTREME_POWER_CUTS,
  type Fate,
  type PowerCut,
} from "./testing/disk/power_cut.ts";
export { RestingDisk } from "./testing/disk/resting_disk.ts";
export { crashImages, PowerCutDisk, Random };
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
  type CheckMutatorOptions,
  MutatorCheckError,
  type MutatorReport,
  type OlderVersion,
} from "./testing/check_mutator.ts";
export type {
  Migration,
  MutationContext,
  Mutator,
  MutatorBase,
  Reducer,
} from "./src/state/mutator.ts";
export type { SchemaResult, StandardSchema } from "./src/state/standard_schema.ts";
export type { Flaw } from "./testing/mutator_rules.ts";
export type { RandomSource } from "./testing/simulator.ts";
export type { AnyMutator, MutatorSource } from "./testing/subject.ts";
