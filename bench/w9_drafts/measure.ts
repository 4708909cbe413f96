/**
 * Measures what a call of an in-place mutator takes on the state itself, and on a draft that could be taken back.
 *
 * @module
 */

import { Draft } from "../../src/state/draft.ts";
import { quantile } from "../support/stats.ts";
import { type Program, programs } from "./programs.ts";

/** What a call takes, in nanoseconds: medians over all slices. */
export interface DraftFigure {
  program: string;
  raw: number;
  draft: number;
}

/** Measures every program; slices of `sliceMs` on the state itself and on drafts take turns. */
export function measureDrafts(slices: number, sliceMs: number): DraftFigure[] {
  return programs.map((program) => measure(program, slices, sliceMs));
}

function measure(program: Program, slices: number, sliceMs: number): DraftFigure {
  const raw = { state: program.make(), calls: 0, took: [] as number[] };
  const drafted = { state: program.make(), calls: 0, took: [] as number[] };
  const runRaw = (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) program.change(raw.state as never, raw.calls++);
    return performance.now() - start;
  };
  const runDrafted = (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const draft = new Draft(drafted.state);
      draft.commit(program.change(draft.root as never, drafted.calls++));
    }
    return performance.now() - start;
  };
  // Both compile while the number of calls in a slice is found. Both then make the same calls.
  let count = 1;
  while (runDrafted(count) < sliceMs) count *= 2;
  runRaw(drafted.calls);
  for (let slice = 0; slice < slices; slice++) {
    raw.took.push(runRaw(count) / count * 1e6);
    drafted.took.push(runDrafted(count) / count * 1e6);
  }
  if (JSON.stringify(raw.state) !== JSON.stringify(drafted.state)) {
    throw new Error(`${program.name}: the states differ`);
  }
  return {
    program: program.name,
    raw: quantile(raw.took, 0.5),
    draft: quantile(drafted.took, 0.5),
  };
}
