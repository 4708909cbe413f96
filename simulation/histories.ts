/**
 * Draws random histories, and shrinks one that fails to the few steps that it takes.
 *
 * @module
 */

import * as fc from "fast-check";
import { History, PRESETS, type Step } from "./history.ts";
import type { Tally } from "./tally.ts";

/** Lines of a few bytes, of some sectors, and of a good part of a segment. */
const padSize = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 2000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 10_000, max: 40_000 }) },
);

const weighted: Record<Step["do"], { weight: number; rest: fc.Arbitrary<object> }> = {
  apply: { weight: 12, rest: fc.record({ count: fc.integer({ min: 1, max: 4 }), padSize }) },
  together: { weight: 8, rest: fc.record({ count: fc.integer({ min: 2, max: 8 }), padSize }) },
  group: { weight: 8, rest: fc.record({ count: fc.integer({ min: 1, max: 5 }), padSize }) },
  snapshot: { weight: 4, rest: fc.record({ beside: fc.nat({ max: 2 }) }) },
  compact: { weight: 4, rest: fc.record({ beside: fc.nat({ max: 2 }) }) },
  close: { weight: 6, rest: fc.record({ preset: fc.nat({ max: PRESETS.length - 1 }) }) },
  crash: { weight: 4, rest: fc.constant({}) },
  upgrade: { weight: 2, rest: fc.constant({}) },
  backup: { weight: 2, rest: fc.constant({}) },
  // Rare: with it, every later sync takes a turn of a real timer.
  slow: { weight: 1, rest: fc.constant({ milliseconds: 1 }) },
  fill: { weight: 2, rest: fc.record({ space: fc.nat({ max: 150_000 }) }) },
  fault: {
    weight: 6,
    rest: fc.record({
      after: fc.integer({ min: 1, max: 40 }),
      how: fc.constantFrom("EIO", "late EIO", "ENOSPC", "short"),
      sticky: fc.boolean(),
    }),
  },
  cut: { weight: 12, rest: fc.record({ after: fc.nat({ max: 60 }), seed: fc.nat() }) },
};

const step = fc.oneof(
  ...Object.entries(weighted).map(([name, { weight, rest }]) => ({
    weight,
    arbitrary: rest.map((fields) => ({ do: name, ...fields }) as Step),
  })),
);

const STEPS_MAX = 40;

const histories = fc.array(step, { minLength: 1, maxLength: STEPS_MAX, size: "max" });

/** Runs `count` histories drawn from a seed. Throws with the shortest failing one found. */
export async function exploreHistories(seed: number, count: number, tally: Tally): Promise<void> {
  const property = fc.asyncProperty(histories, (steps) => new History(tally).run(steps));
  const details = await fc.check(property, { seed, numRuns: count });
  if (!details.failed) return;
  const steps = details.counterexample?.[0] ?? [];
  const error = details.errorInstance;
  const message = error instanceof Error ? error.message : String(error);
  throw new Error(
    `a history goes wrong, seed ${seed}: ${message}\n  The shortest found, of ${steps.length} steps: ${
      JSON.stringify(steps)
    }`,
    { cause: error },
  );
}
