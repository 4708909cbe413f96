/**
 * Draws random histories of a program that changes, and shrinks one that fails to the few steps that it takes.
 *
 * @module
 */

import * as fc from "fast-check";
import { OutcomeHistory } from "./outcomes_history.ts";
import { KINDS, type Kinds } from "./outcomes_kinds.ts";
import { outcomeHistories } from "./outcomes_steps.ts";
import type { Tally } from "./tally.ts";

/** How many times to draw `count` histories until they have met every kind of moment. */
const ROUNDS_MAX = 32;

/**
 * Runs `count` histories drawn from a seed, or more, until the power has gone at every kind of moment that matters.
 * Throws with the shortest failing one found.
 */
export async function exploreOutcomes(seed: number, count: number, tally: Tally): Promise<void> {
  const kinds: Kinds = new Map();
  const missed = () => KINDS.filter((kind) => !kinds.has(kind));
  for (let round = 0; round === 0 || missed().length > 0; round++) {
    // The odds are chosen so that this practically never happens.
    if (round === ROUNDS_MAX) throw new Error(`never met, seed ${seed}: ${missed().join(", ")}`);
    await draw(seed, round, count, tally, kinds);
  }
}

async function draw(
  seed: number,
  round: number,
  count: number,
  tally: Tally,
  kinds: Kinds,
): Promise<void> {
  const property = fc.asyncProperty(
    outcomeHistories,
    (steps) => new OutcomeHistory(tally, kinds).run(steps),
  );
  // Counted downwards: the seeds above belong to other processes.
  const details = await fc.check(property, { seed: seed - round * 2 ** 20, numRuns: count });
  if (!details.failed) return;
  const steps = details.counterexample?.[0] ?? [];
  const error = details.errorInstance;
  const message = error instanceof Error ? error.message : String(error);
  throw new Error(
    `a history of a changing program goes wrong, seed ${seed}: ${message}\n  The shortest found, of ${steps.length} steps: ${
      JSON.stringify(steps)
    }`,
    { cause: error },
  );
}
