/**
 * W9: what it costs that a mutator's changes can be taken back. In memory only.
 *
 * @module
 */

import type { Runtime } from "../contenders/contender.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";
import { contend } from "../support/start_jobs.ts";
import type { DraftFigure } from "./measure.ts";

/** One process's figures. */
export interface DraftRun {
  runtime: Runtime;
  figures: DraftFigure[];
}

/** Measures drafts on each runtime. */
export async function measureDrafting(rounds: number, scope: Scope): Promise<DraftRun[]> {
  const runs: DraftRun[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const runtime of inTurn(scope.runtimes, round)) {
      progress(`W9, round ${round + 1} of ${rounds}, ${runtime}`);
      const [slices, sliceMs] = scope.quick ? [5, 2] : [31, 10];
      runs.push({ runtime, figures: await contend(runtime, "drafts", slices!, sliceMs!) });
    }
  }
  return runs;
}
