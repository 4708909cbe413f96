/**
 * W3: how long a journal of a million mutations takes to open, and with how much memory.
 *
 * @module
 */

import fs from "node:fs";
import { join } from "node:path";
import { contend, inDirectory } from "../support/start_jobs.ts";
import type { Runtime } from "../contenders/contender.ts";
import { contenders } from "../contenders/all.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";

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

/** One opening of a peer's journal. */
export interface LogRun {
  runtime: Runtime;
  contender: string;
  elapsedMs: number;
  failure?: string;
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

/** Fills the journal of every peer that can be one, and opens it on each runtime. */
export async function measureLogs(rounds: number, scope: Scope): Promise<LogRun[]> {
  const runs: LogRun[] = [];
  for (const runtime of scope.runtimes) {
    const peers = Object.keys(contenders).filter((name) =>
      contenders[name]!.openLog !== undefined && contenders[name]!.runtimes.includes(runtime)
    );
    await inDirectory(scope.parent, async (parent) => {
      const failures = new Map<string, string>();
      for (const peer of peers) {
        progress(`W3, ${runtime}: filling ${peer}`);
        fs.mkdirSync(directoryOf(parent, peer));
        try {
          await contend(runtime, "fillLog", peer, directoryOf(parent, peer), RECORDS);
        } catch (error) {
          failures.set(
            peer,
            (error as Error).message.match(/^\S*Error: .*/m)?.[0] ?? String(error),
          );
        }
      }
      for (let round = 0; round < rounds; round++) {
        for (const contender of inTurn(peers, round)) {
          progress(`W3, ${runtime}: round ${round + 1} of ${rounds}, ${contender}`);
          const failure = failures.get(contender);
          const { elapsedMs } = failure === undefined
            ? await contend(runtime, "replayLog", contender, directoryOf(parent, contender))
            : { elapsedMs: NaN };
          runs.push({ runtime, contender, elapsedMs, ...(failure !== undefined && { failure }) });
        }
      }
    });
  }
  return runs;
}

function directoryOf(parent: string, contender: string): string {
  return join(parent, contender.replace("/", "-"));
}
