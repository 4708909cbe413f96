/**
 * Checks a program's own mutator: everything that crash safety requires of it, in one call.
 *
 * @module
 */

import { textOfAny } from "./difference.ts";
import { drawMutations, type Drawn } from "./drawn.ts";
import { findCrashFlaw } from "./mutator_crashes.ts";
import { examine, type Flaw } from "./mutator_rules.ts";
import { findMigrationFlaw } from "./mutator_versions.ts";
import { shorten } from "./shorten.ts";
import type { RandomSource, Simulator } from "./simulator.ts";
import { type MutatorSource, type Subject, subjectOf } from "./subject.ts";

/** An older version of the mutator, as released. */
export interface OlderVersion {
  /** The mutator, with its own `version`, or a function that creates one. */
  mutator: MutatorSource<unknown, unknown>;
  /** Returns a mutation of that version. */
  generate(random: RandomSource, index: number): unknown;
}

/** The options of a check. */
export interface CheckMutatorOptions<M> {
  /**
   * Returns a mutation. Use only `random` for chance, so that a failure can be repeated. Some of the mutations should
   * be ones that the mutator rejects.
   */
  generate(random: RandomSource, index: number): M;
  /** Released versions, whose states must be migrated. @default none */
  older?: readonly OlderVersion[];
  /** How many mutations each history has. @default 12 */
  mutationCount?: number;
  /** How many histories to draw. @default 4 */
  histories?: number;
  /** How many images of each power cut to try at most, besides four extreme ones. @default 8 */
  imagesMax?: number;
  /** Repeats a run; a failure reports it. @default random */
  seed?: number;
}

/** The result of a check. */
export interface MutatorReport {
  /** Pass it to another run to repeat this one. */
  seed: number;
  /** How many histories were run. */
  histories: number;
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
 *   apply(state: { celsius: number }, celsius: number) {
 *     state.celsius = celsius;
 *     if (celsius > 100) throw new RangeError("boiled over"); // too late: the state has changed
 *   },
 * };
 * const error = await assertRejects(
 *   () => checkMutator(kettle, { generate: (random) => random.below(2) * 101 }),
 *   MutatorCheckError,
 * );
 * assertEquals(error.rule, "untouched");
 * assertEquals(error.mutations, [101]);
 * ```
 */
export class MutatorCheckError extends Error {
  /** The class's name, which survives minifying. */
  override readonly name = "MutatorCheckError";
  /**
   * The rule: `deterministic` (the same outcome on every replay), `untouched` (a rejected mutation leaves the state
   * unchanged), `json` (the state is JSON), `crash` (recovery restores the state), `migration` (older versions can be
   * migrated).
   */
  readonly rule: Flaw["rule"];
  /** The shortest list of mutations found that shows it. */
  readonly mutations: readonly unknown[];
  /** The seed that reproduces it. */
  readonly seed: number;

  /** @internal */
  constructor(flaw: Flaw, mutations: readonly unknown[], seed: number) {
    super(
      `The mutator is not fit for replay (${flaw.rule}): ${flaw.found}\n` +
        `  The mutations that show it (seed ${seed}): ${textOfAny(mutations)}`,
      flaw.cause === undefined ? undefined : { cause: flaw.cause },
    );
    this.rule = flaw.rule;
    this.mutations = mutations;
    this.seed = seed;
  }
}

/** Runs every check on a given simulator. The public `checkMutator` provides one. */
export async function checkMutatorOn<S, M>(
  simulator: Simulator,
  mutator: MutatorSource<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport> {
  const { mutationCount: count = 12, histories = 4, imagesMax = 8, older = [] } = options;
  const { seed = Math.floor(Math.random() * 2 ** 31) } = options;
  // Throws if this is not a mutator, before anything is drawn.
  const subject = subjectOf(mutator, simulator, seed);
  const report: MutatorReport = { seed, histories, rejected: 0, crashStates: 0 };
  const explore = { imagesMax, seed, onState: () => void report.crashStates++ };
  for (let history = 0; history < histories; history++) {
    const random = simulator.random(seed + history);
    const draw = <T>(
      { schema }: Subject<unknown, T>,
      generate: CheckMutatorOptions<T>["generate"],
    ) => drawMutations({ generate, schema, count, seed }, random);
    await refuse(draw(subject, options.generate), seed, async (mutations) => {
      const model = await examine(subject, mutations);
      if ("rule" in model) return model;
      report.rejected += model.outcomes.filter(({ rejected }) => rejected).length;
      return await findCrashFlaw(simulator, subject, mutations, explore);
    });
    for (const { mutator: before, generate } of older) {
      const old = subjectOf(before, simulator, seed);
      await refuse(
        draw(old, generate),
        seed,
        (mutations) => findMigrationFlaw(simulator, subject, old, mutations, explore),
      );
    }
  }
  return report;
}

/** Throws when a check finds a flaw, with as few mutations as still show the same kind of flaw. */
async function refuse<M>(
  mutations: readonly Drawn<M>[],
  seed: number,
  check: (mutations: readonly Drawn<M>[]) => Promise<Flaw | null>,
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
  throw new MutatorCheckError(last, shortest.map(({ given }) => given), seed);
}
