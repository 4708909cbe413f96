/**
 * W4: states of many keys: how long they take to open from their snapshots, and how the next one affects callers.
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
  keys: number;
  size: number;
  openMs: number;
  /** How long the floor took in the same round. */
  floorMs: number;
  peak: number;
  beside: Beside;
}

const KEYS = [100_000, 1_000_000];

/** Makes each state once, opens it on each runtime, and has each make a snapshot on its own copy. */
export async function measureLargeStates(rounds: number, scope: Scope): Promise<LargeRun[]> {
  const runs: LargeRun[] = [];
  for (const keys of scope.quick ? KEYS.slice(0, 1) : KEYS) {
    runs.push(...await measureState(keys, rounds, scope));
  }
  return runs;
}

async function measureState(keys: number, rounds: number, scope: Scope): Promise<LargeRun[]> {
  const runs: LargeRun[] = [];
  await inDirectory(scope.parent, async (directory) => {
    progress(`W4, writing ${keys} keys`);
    const { size } = await contend("bun", "generateLarge", directory, keys);
    for (let round = 0; round < rounds; round++) {
      for (const runtime of inTurn(scope.runtimes, round)) {
        progress(`W4, ${keys} keys, round ${round + 1} of ${rounds}, ${runtime}`);
        const parse = () => contend(runtime, "parseLarge", directory, keys);
        // Before and after in turn, so that a drift favours neither.
        const before = round % 2 === 0 ? await parse() : null;
        const { elapsedMs: openMs, peak } = await contend(runtime, "openLarge", directory, keys);
        const { elapsedMs: floorMs } = before ?? await parse();
        const beside = await inDirectory(scope.parent, async (own) => {
          await contend(runtime, "generateLarge", own, keys);
          return await contend(runtime, "snapshotBeside", own, keys);
        });
        runs.push({ runtime, keys, size, openMs, floorMs, peak, beside });
      }
    }
  });
  return runs;
}
