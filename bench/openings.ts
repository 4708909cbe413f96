/**
 * W3: how long a journal of a million mutations takes to open, and with how much memory.
 *
 * @module
 */

import { contend, inDirectory } from "./children.ts";
import type { Runtime } from "./contender.ts";
import { inTurn, progress, type Scope } from "./scope.ts";

/** One opening. Sizes in bytes; `above` is the peak less the peak of a process that only holds the state. */
export interface OpeningRun {
  runtime: Runtime;
  perBatch: number;
  size: number;
  elapsedMs: number;
  /** How long the bare loop took in the same round. */
  floorMs: number;
  peak: number;
  above: number;
}

const RECORDS = 1_000_000;

/** Writes a journal for each size of batch, and opens it on each runtime. */
export async function measureOpenings(rounds: number, scope: Scope): Promise<OpeningRun[]> {
  const openings: OpeningRun[] = [];
  for (const perBatch of scope.quick ? [64] : [64, 1]) {
    await inDirectory(scope.parent, async (directory) => {
      progress(`W3, writing ${RECORDS} records, ${perBatch} to a batch`);
      const { size } = await contend("bun", "generate", directory, RECORDS, perBatch);
      for (let round = 0; round < rounds; round++) {
        for (const runtime of inTurn(scope.runtimes, round)) {
          progress(`W3, ${perBatch} to a batch, round ${round + 1} of ${rounds}, ${runtime}`);
          const read = () => contend(runtime, "read", directory);
          // Before and after in turn, so that a drift favours neither.
          const before = round % 2 === 0 ? await read() : null;
          const state = await contend(runtime, "state", RECORDS);
          const { elapsedMs, peak } = await contend(runtime, "open", directory);
          const { elapsedMs: floorMs } = before ?? await read();
          const above = peak - state.peak;
          openings.push({ runtime, perBatch, size, elapsedMs, floorMs, peak, above });
        }
      }
    });
  }
  return openings;
}
