/**
 * The soak: ten million commits with automatic compaction; then whether a commit costs more in a directory that has
 * seen them, or whose state is large, than in an empty one.
 *
 * @module
 */

import fs from "node:fs";
import { join } from "node:path";
import { contend, inDirectory, takeTurns } from "../support/start_jobs.ts";
import type { Runtime } from "../contenders/contender.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";
import { FEW_KEYS } from "../support/workload.ts";
import type { SoakSample } from "./measure.ts";

/** What came of it on one runtime. */
export interface SoakRun {
  runtime: Runtime;
  samples: SoakSample[];
  /** Commits of one caller in directories of different age, in turns. */
  ages: Age[];
}

/** One directory, and what one caller did in each slice. */
export interface Age {
  name: string;
  slices: [count: number, elapsedMs: number][];
}

const COMMITS = 10_000_000;
const KEYS = 1_000_000;
const SECONDS_MAX = 300;
const TURNS = 40;
const SLICE_MS = 50;
const WARM_UP_MS = 500;

/** Soaks each runtime, one after the other. */
export async function measureSoaks(scope: Scope): Promise<SoakRun[]> {
  const runs: SoakRun[] = [];
  const share = scope.quick ? 50 : 1;
  for (const runtime of scope.runtimes) {
    await inDirectory(scope.parent, async (parent) => {
      const [empty, soaked, large] = ["empty", "soaked", "large"].map((name) => join(parent, name));
      for (const path of [empty!, soaked!, large!]) fs.mkdirSync(path);
      progress(`soak, ${runtime}: ${COMMITS / share} commits`);
      const samples = await contend(runtime, "soak", soaked!, COMMITS / share, SECONDS_MAX);
      progress(`soak, ${runtime}: directories of different age`);
      await contend(runtime, "generateLarge", large!, KEYS / share);
      const ages = await compareAges(runtime, [
        ["empty", empty!],
        [`after ${samples.at(-1)!.commits.toLocaleString("en")} commits`, soaked!],
        [`with ${(KEYS / share).toLocaleString("en")} keys`, large!],
      ]);
      runs.push({ runtime, samples, ages });
    });
  }
  return runs;
}

async function compareAges(runtime: Runtime, directories: [string, string][]): Promise<Age[]> {
  const children = directories.map(([name, directory]) => ({
    age: { name, slices: [] } as Age,
    turns: takeTurns(runtime, "ministate", directory, {
      callers: 1,
      byHand: false,
      keys: FEW_KEYS,
    }),
  }));
  for (const { turns } of children) {
    await turns.ready();
    await turns.turn(WARM_UP_MS);
  }
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { age, turns } of inTurn(children, turn)) {
      const { count, elapsedMs } = await turns.turn(SLICE_MS);
      age.slices.push([count, elapsedMs]);
    }
  }
  await Promise.all(children.map(({ turns }) => turns.end()));
  return children.map(({ age }) => age);
}
