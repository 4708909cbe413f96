/**
 * W8: what a read costs while nobody writes, and while 64 callers do.
 *
 * @module
 */

import { contend, inDirectory } from "../support/start_jobs.ts";
import type { Runtime } from "../contenders/contender.ts";
import type { Reads } from "./measure.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";

/** One process's figures. */
export interface ReadRun extends Reads {
  runtime: Runtime;
}

/** Reads on each runtime. */
export async function measureReading(rounds: number, scope: Scope): Promise<ReadRun[]> {
  const runs: ReadRun[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const runtime of inTurn(scope.runtimes, round)) {
      progress(`W8, round ${round + 1} of ${rounds}, ${runtime}`);
      const reads = await inDirectory(
        scope.parent,
        (directory) => contend(runtime, "reads", directory, scope.quick ? 1000 : 4000),
      );
      runs.push({ runtime, ...reads });
    }
  }
  return runs;
}
