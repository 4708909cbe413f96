/**
 * W7: how late timers are beside commits.
 *
 * @module
 */

import { contend, inDirectory } from "./children.ts";
import type { Runtime } from "./contender.ts";
import type { Delay } from "./loop_delay.ts";
import { inTurn, progress, type Scope } from "./scope.ts";

/** What was measured in one situation, `slow` with a disk that is made slow. */
export interface DelayRun extends Delay {
  runtime: Runtime;
  situation: string;
  slow: boolean;
}

const CALLERS = 64;
const SYNC_MS = 50;
const SITUATIONS: [name: string, callers: number, syncMs: number][] = [
  ["no commits", 0, 0],
  [`${CALLERS} callers, syncs of ${SYNC_MS} ms`, CALLERS, SYNC_MS],
  ["1 caller, the disk as it is", 1, 0],
  [`${CALLERS} callers, the disk as it is`, CALLERS, 0],
];

/** Runs the timer in every situation on each runtime. */
export async function measureDelays(rounds: number, scope: Scope): Promise<DelayRun[]> {
  const delays: DelayRun[] = [];
  const durationMs = scope.quick ? 1000 : 2000;
  for (let round = 0; round < rounds; round++) {
    for (const runtime of inTurn(scope.runtimes, round)) {
      for (const [situation, callers, syncMs] of SITUATIONS) {
        progress(`W7, round ${round + 1} of ${rounds}, ${runtime}, ${situation}`);
        const delay = await inDirectory(
          scope.parent,
          (directory) => contend(runtime, "delay", directory, durationMs, callers, syncMs),
        );
        delays.push({ runtime, situation, slow: syncMs > 0, ...delay });
      }
    }
  }
  return delays;
}
