/**
 * Checks a program's own mutator: everything that crash safety asks of it, in one call.
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

/** An older version of the mutator, as it was released. */
export interface OlderVersion {
  /** The mutator, with its own `version`, or a function that makes one. */
  mutator: MutatorSource<unknown, unknown>;
  /** Makes a mutation of that version. */
  generate(random: RandomSource, index: number): unknown;
}

/** What to check a mutator with. */
export interface CheckMutatorOptions<M> {
  /**
   * Makes a mutation. Draw from `random` alone, so that a failure can be repeated; let it make some that the
   * mutator refuses, too.
   */
  generate(random: RandomSource, index: number): M;
  /** Versions in the field, from which states must be carried over. @default none */
  older?: readonly OlderVersion[];
  /** How many mutations a history has. @default 12 */
  mutationCount?: number;
  /** How many histories are drawn. @default 4 */
  histories?: number;
  /** How many images of each power cut are tried at most, beside four extreme ones. @default 8 */
  imagesMax?: number;
  /** Repeats a run; a failure names it. @default drawn */
  seed?: number;
}

/** What was checked. */
export interface MutatorReport {
  /** Passing it to another run repeats this one. */
  seed: number;
  /** How many histories were lived through. */
  histories: number;
  /** How many of their mutations the mutator refused. */
  rejected: number;
  /** How many states after a power cut were recovered and compared. */
  crashStates: number;
}

/** A mutator breaks a rule that crash safety relies on. */
export class MutatorCheckError extends Error {
  /** The class's name, which survives minifying. */
  override readonly name = "MutatorCheckError";
  /**
   * The rule: `deterministic` (the same outcome on every replay), `untouched` (a refused mutation leaves the state as
   * it was), `json` (the state is JSON), `crash` (recovery gives the state back), `migration` (older versions are
   * carried over).
   */
  readonly rule: Flaw["rule"];
  /** The fewest mutations found that show it. */
  readonly mutations: readonly unknown[];
  /** The seed that leads there. */
  readonly seed: number;

  /** @internal */
  constructor(flaw: Flaw, mutations: readonly unknown[], seed: number) {
    super(
      `The mutator is not fit for replay (${flaw.rule}): ${flaw.found}\n` +
        `  The mutations that show it, of seed ${seed}: ${textOfAny(mutations)}`,
      flaw.cause === undefined ? undefined : { cause: flaw.cause },
    );
    this.rule = flaw.rule;
    this.mutations = mutations;
    this.seed = seed;
  }
}

/** Runs every check on a given simulator. The public `checkMutator` brings its own. */
export async function checkMutatorOn<S, M>(
  simulator: Simulator,
  mutator: MutatorSource<S, M>,
  options: CheckMutatorOptions<M>,
): Promise<MutatorReport> {
  const { mutationCount: count = 12, histories = 4, imagesMax = 8, older = [] } = options;
  const { seed = Math.floor(Math.random() * 2 ** 31) } = options;
  // Throws on what is no mutator, before anything is drawn.
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
