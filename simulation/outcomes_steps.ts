/**
 * The steps of histories in which the program changes, and how they are drawn.
 *
 * @module
 */

import * as fc from "fast-check";
import type { Carry, Style } from "./outcomes_program.ts";

/** What the next program is like. */
export interface Change {
  style: Style;
  limit: number;
  floor: number;
  carry: Carry;
  gain: number;
  /** Whether it has another version. */
  raise: boolean;
}

/** The steps of calls: their mutations by size, one call each. */
export type Calls = number[][];

/** How a program ends. `snapshot`: it closes and leaves no tail. */
export type Ending = "close" | "snapshot" | "crash";

/** One thing that happens. In a roll-back, `to` says what an update after it is like, should the power be cut. */
export type OutcomeStep =
  | { do: "calls"; calls: Calls; together: boolean; padSize: number }
  | { do: "snapshot" | "compact"; beside: Calls }
  | { do: "backup"; beside: Calls; to: Change }
  | { do: "look"; at: number }
  | { do: "verify"; beside: Calls; to: Change }
  | { do: "restart"; how: Ending; to: Change; cut: number | null; seed: number }
  | { do: "roll back"; how: Ending; to: Change; cut: number | null; seed: number }
  | { do: "full"; space: number | null }
  | { do: "cut"; after: number; seed: number; to: Change };

const by = fc.integer({ min: -4, max: 12 });
const call = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(by) },
  { weight: 2, arbitrary: fc.array(by, { minLength: 2, maxLength: 4 }) },
);
const callsUpTo = (maxLength: number): fc.Arbitrary<Calls> => fc.array(call, { maxLength });

const change: fc.Arbitrary<Change> = fc.record({
  style: fc.constantFrom("late", "late", "checked", "careless", "reducer"),
  limit: fc.integer({ min: 0, max: 12 }),
  floor: fc.integer({ min: -12, max: 0 }),
  carry: fc.constantFrom("keep", "clamp", "drop"),
  gain: fc.constantFrom(0, 0, 0, 0, 0, 1),
  raise: fc.boolean(),
});

const ending = fc.record({
  how: fc.constantFrom("close", "snapshot", "crash", "crash"),
  to: change,
  // During the next open.
  cut: fc.option(fc.nat({ max: 50 }), { freq: 1 }),
  seed: fc.nat(),
});

const weighted: Record<OutcomeStep["do"], { weight: number; rest: fc.Arbitrary<object> }> = {
  calls: {
    weight: 24,
    rest: fc.record({
      calls: fc.array(call, { minLength: 1, maxLength: 5 }),
      together: fc.boolean(),
      padSize: fc.oneof(
        { weight: 6, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 400, max: 1200 }) },
        { weight: 1, arbitrary: fc.integer({ min: 10_000, max: 30_000 }) },
      ),
    }),
  },
  snapshot: { weight: 4, rest: fc.record({ beside: callsUpTo(2) }) },
  compact: { weight: 3, rest: fc.record({ beside: callsUpTo(2) }) },
  backup: { weight: 2, rest: fc.record({ beside: callsUpTo(2), to: change }) },
  look: { weight: 3, rest: fc.record({ at: fc.nat({ max: 1000 }) }) },
  verify: { weight: 3, rest: fc.record({ beside: callsUpTo(2), to: change }) },
  restart: { weight: 8, rest: ending },
  "roll back": { weight: 6, rest: ending },
  // Full, or with room again.
  full: {
    weight: 3,
    rest: fc.record({ space: fc.option(fc.nat({ max: 100_000 }), { freq: 1 }) }),
  },
  cut: {
    weight: 10,
    rest: fc.record({ after: fc.nat({ max: 40 }), seed: fc.nat(), to: change }),
  },
};

const step = fc.oneof(
  ...Object.entries(weighted).map(([name, { weight, rest }]) => ({
    weight,
    arbitrary: rest.map((fields) => ({ do: name, ...fields }) as OutcomeStep),
  })),
);

const STEPS_MAX = 40;

/** Any history. */
export const outcomeHistories = fc.array(step, { minLength: 1, maxLength: STEPS_MAX, size: "max" });
