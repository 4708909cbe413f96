/**
 * Checks a program's own mutator: everything that crash safety requires of it, in one call.
 *
 * @module
 */

import type { DurableFs } from "../src/durable_fs.ts";
import { textOfAny } from "../src/format/difference.ts";
import type { VerifyReport } from "../src/state/verify_report.ts";
import { Random } from "./disk/random.ts";
import { drawMutations, type Drawn } from "./drawn.ts";
import { findCrashFlaw } from "./mutator_crashes.ts";
import { verifyRecorded } from "./mutator_histories.ts";
import { type MutatorFlaw, type MutatorRule, replayEveryWay } from "./mutator_rules.ts";
import { findMigrationFlaw } from "./mutator_versions.ts";
import { shorten } from "./shorten.ts";
import type { JsonOf } from "../src/format/json_types.ts";
import { type AnyMutator, type MutatorSource, type Subject, subjectOf } from "./subject.ts";

/** An older version of the mutator, as released. */
export interface OlderVersion {
  /** The mutator, with its own `version`, or a function that creates one. */
  mutator: MutatorSource<unknown, unknown>;
  /** Returns a mutation of that version. */
  generate(random: Random, index: number): unknown;
}

/** The options of a check. */
export interface CheckMutatorOptions<M> {
  /**
   * Returns a mutation. Use only `random` for chance, so that a failure can be repeated. Some of the mutations should
   * be ones that the mutator rejects.
   */
  generate(random: Random, index: number): M;
  /** Released versions, whose states must be migrated. @default none */
  older?: readonly OlderVersion[];
  /** How many mutations each history has. @default 12 */
  mutationCount?: number;
  /** How many histories to draw. @default 4 */
  historyCount?: number;
  /**
   * State directories that the released program has written, such as those of a board: the mutator must make the same
   * states of them. They are read, not changed, and may be in use. @default none
   */
  histories?: readonly string[];
  /** Where these directories are. @default the runtime's file system */
  fs?: DurableFs;
  /** How many images of each power cut to try at most, besides four extreme ones. @default 8 */
  imagesMax?: number;
  /** Repeats a run; a failure reports it. @default random */
  seed?: number;
}

/** The result of a check. */
export interface MutatorReport {
  /** Pass it to another run to repeat this one. */
  seed: number;
  /** How many drawn histories were run. */
  historyCount: number;
  /** What was compared in each of the recorded histories. */
  histories: VerifyReport[];
  /** How many of their mutations the mutator rejected. */
  rejected: number;
  /** How many states after a power cut were recovered and compared. */
  crashStates: number;
}

/**
 * A mutator breaks a rule that crash safety relies on.
 *
 * @example See the mutations that break a rule
 * ```ts
 * import { checkMutator, MutatorCheckError } from "@ministate/ministate/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const kettle = {
 *   initial: () => ({ celsius: 20 }),
 *   reduce(state: { celsius: number }, celsius: number) {
 *     state.celsius = celsius; // too early: the mutation has not been written yet
 *     return state;
 *   },
 * };
 * const error = await assertRejects(
 *   () => checkMutator(kettle, { generate: (random) => random.below(101) }),
 *   MutatorCheckError,
 * );
 * assertEquals(error.rule, "untouched");
 * assertEquals(error.mutations.length, 1);
 * ```
 */
export class MutatorCheckError extends Error {
  /** The class's name, which survives minifying. */
  override readonly name = "MutatorCheckError";
  /**
   * The rule: `deterministic` (the same outcome on every replay), `untouched` (a reducer leaves the state that it
   * receives unchanged), `json` (the state is JSON), `crash` (recovery restores the state), `migration` (older versions can be
   * migrated), `history` (the past stays as it was recorded).
   */
  readonly rule: MutatorRule;
  /** The shortest list of mutations found that shows it; empty for a recorded history. */
  readonly mutations: readonly unknown[];
  /** The seed that reproduces it. */
  readonly seed: number;

  /** @internal */
  constructor(
    rule: MutatorRule,
    found: string,
    { mutations, seed, cause }: { mutations: readonly unknown[]; seed: number; cause?: unknown },
  ) {
    const shown = rule === "history"
      ? ""
      : `\n  The mutations that show it (seed ${seed}): ${textOfAny(mutations)}`;
    super(
      `The mutator is not fit for replay (${rule}): ${found}${shown}`,
      cause === undefined ? undefined : { cause },
    );
    this.rule = rule;
    this.mutations = mutations;
    this.seed = seed;
  }
}

/**
 * Checks that a mutator is fit for crash safety:
 *
 * - it has the same outcome on every replay: at another time, in another time zone and locale, with other random numbers,
 *   and from a snapshot at any place
 * - it leaves nothing to run later
 * - a reducer leaves the state that it receives alone, and the state is always JSON
 * - it survives a power cut at every call of the disk
 * - states of older versions are migrated, whenever the power is cut
 * - recorded histories lead to the states that were recorded
 *
 * @typeParam S the state
 * @typeParam M the mutations
 * @param mutator the mutator, in either style; preferably a function that makes one: then no run sees what another
 *   left in variables, just as no process sees the variables of an earlier one
 * @param options how mutations are made, and how many
 * @returns how much was checked
 * @throws {MutatorCheckError} when the mutator breaks a rule, with the fewest mutations found that show it
 * @throws {TypeError} when it is not a mutator
 * @throws {InvalidMutationError} when `generate` makes what the mutator's schema refuses, or what is not JSON; the
 *   message has the seed and the mutation
 * @throws {MinistateError} when a recorded history can't be read: none is there, or it is damaged, or of another program
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
 *
 * @example Test a release on what the last one has written
 * ```ts
 * import { StateManager } from "@ministate/ministate";
 * import { checkMutator, MutatorCheckError } from "@ministate/ministate/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const counting = (step: number) => ({
 *   initial: () => ({ value: 0 }),
 *   apply: (state: { value: number }, { times }: { times: number }) =>
 *     state.value += times * step,
 * });
 * {
 *   await using manager = await StateManager.open("recorded", "c.wal.jsonl", counting(1));
 *   await manager.apply({ times: 3 });
 *   await manager.createSnapshot(); // without one, no effect is known
 * }
 * const options = { generate: () => ({ times: 1 }), histories: ["recorded"], mutationCount: 2 };
 * const { histories } = await checkMutator(counting(1), options);
 * assertEquals(histories[0]!.snapshots, 1);
 * const error = await assertRejects(() => checkMutator(counting(2), options), MutatorCheckError);
 * assertEquals(error.rule, "history");
 * ```
 */
export function checkMutator<S extends JsonOf<S>, M extends JsonOf<M>>(
  mutator: () => AnyMutator<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport>;
/** As above, with one mutator for all runs: enough where it keeps nothing in variables. */
export function checkMutator<S extends JsonOf<S>, M extends JsonOf<M>>(
  mutator: AnyMutator<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport>;
// Two, because a function has an `apply` of its own, from which TypeScript would infer the type of the mutations.
export async function checkMutator<S extends JsonOf<S>, M extends JsonOf<M>>(
  mutator: MutatorSource<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport> {
  const { mutationCount: count = 12, historyCount = 4, imagesMax = 8, older = [] } = options;
  const { seed = Math.floor(Math.random() * 2 ** 31) } = options;
  // Throws if this is not a mutator, before anything is drawn.
  const subject = subjectOf(mutator, seed);
  const histories = await checkHistories(subject, options, seed);
  let rejected = 0, crashStates = 0;
  const explore = { imagesMax, seed, onState: () => void crashStates++ };
  for (let history = 0; history < historyCount; history++) {
    const random = new Random(seed + history);
    const draw = <T>(
      { schema }: Subject<unknown, T>,
      generate: CheckMutatorOptions<T>["generate"],
    ) => drawMutations({ generate, schema, count, seed }, random);
    await refuse(draw(subject, options.generate), seed, async (mutations) => {
      const model = await replayEveryWay(subject, mutations);
      if ("rule" in model) return model;
      rejected += model.outcomes.filter((outcome) => outcome.rejected).length;
      return await findCrashFlaw(subject, mutations, explore);
    });
    for (const { mutator: before, generate } of older) {
      const old = subjectOf(before, seed);
      await refuse(
        draw(old, generate),
        seed,
        (mutations) => findMigrationFlaw(subject, old, mutations, explore),
      );
    }
  }
  return { seed, historyCount, histories, rejected, crashStates };
}

/** Throws when the mutator makes another state of a recorded history. */
async function checkHistories<S, M>(
  subject: Subject<S, M>,
  { histories = [], fs }: CheckMutatorOptions<M>,
  seed: number,
): Promise<VerifyReport[]> {
  const reports: VerifyReport[] = [];
  for (const directory of histories) {
    const { report, flaw } = await verifyRecorded(subject, directory, fs);
    if (flaw !== null) {
      throw new MutatorCheckError(flaw.rule, flaw.found, {
        mutations: [],
        seed,
        cause: flaw.cause,
      });
    }
    reports.push(report);
  }
  return reports;
}

/** Throws when a check finds a flaw, with as few mutations as still show the same kind of flaw. */
async function refuse<M>(
  mutations: readonly Drawn<M>[],
  seed: number,
  check: (mutations: readonly Drawn<M>[]) => Promise<MutatorFlaw | null>,
): Promise<void> {
  const flaw = await check(mutations);
  if (flaw === null) return;
  let last = flaw;
  const shortest = await shorten(mutations, async (fewer) => {
    const found = await check(fewer);
    if (found?.rule !== flaw.rule) return false;
    last = found;
    return true;
  });
  const { rule, found, cause } = last;
  throw new MutatorCheckError(rule, found, {
    mutations: shortest.map(({ given }) => given),
    seed,
    cause,
  });
}
