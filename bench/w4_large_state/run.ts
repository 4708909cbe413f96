/**
 * W4: a state of a million keys: how long it takes to open from its snapshot, and how the next one affects callers.
 *
 * @module
 */

import { contend, inDirectory } from "../support/start_jobs.ts";
import type { Runtime } from "../contenders/contender.ts";
import type { Beside } from "./measure.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";

/** One opening, and one snapshot made beside a caller. Sizes in bytes. */
export interface LargeRun {
  runtime: Runtime;
  size: number;
  openMs: number;
  /** How long the bare loop took in the same round. */
  floorMs: number;
  peak: number;
  beside: Beside;
}

const KEYS = 1_000_000;

/** Makes the state once, opens it on each runtime, and has each make a snapshot on its own copy. */
export async function measureLargeStates(rounds: number, scope: Scope): Promise<LargeRun[]> {
  const keys = scope.quick ? KEYS / 10 : KEYS;
  const runs: LargeRun[] = [];
  await inDirectory(scope.parent, async (directory) => {
    progress(`W4, writing ${keys} keys`);
    const { size } = await contend("bun", "generateLarge", directory, keys);
    for (let round = 0; round < rounds; round++) {
      for (const runtime of inTurn(scope.runtimes, round)) {
        progress(`W4, round ${round + 1} of ${rounds}, ${runtime}`);
        const parse = () => contend(runtime, "parseLarge", directory, keys);
        // Before and after in turn, so that a drift favours neither.
        const before = round % 2 === 0 ? await parse() : null;
        const { elapsedMs: openMs, peak } = await contend(runtime, "openLarge", directory, keys);
        const { elapsedMs: floorMs } = before ?? await parse();
        const beside = await inDirectory(scope.parent, async (own) => {
          await contend(runtime, "generateLarge", own, keys);
          return await contend(runtime, "snapshotBeside", own, keys);
        });
        runs.push({ runtime, size, openMs, floorMs, peak, beside });
      }
    }
  });
  return runs;
}
