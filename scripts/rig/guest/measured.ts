// How many commits a second the board makes, and how many the bare loop there: by turns, in one process, as the
// benchmark of this machine does it. And how long a snapshot holds its event loop.

import { mkdirSync, rmSync } from "node:fs";
import { workOf } from "../../../bench/w1_w2_commits/callers.ts";
import { contender as floor } from "../../../bench/contenders/floor.ts";
import { contender as ministate } from "../../../bench/contenders/ministate.ts";
import { FEW_KEYS, KEY_COUNT } from "../../../bench/support/workload.ts";
import { generateLarge, measureSnapshotBeside } from "../../../bench/w4_large_state/measure.ts";
import { say } from "./said.ts";

const CALLERS = [1, 64];
const ROUNDS = 7;
const SLICE_MS = 1000;
/** The JIT compilers have to warm up, and the emulator has to translate their code. */
const WARM_UP_MS = 8000;
const STATES = [FEW_KEYS, KEY_COUNT];
const SNAPSHOTS = 3;

/** Says what it measures, a line each, and in the end that it is done. */
export async function measure(folder: string): Promise<void> {
  await measureCommits(folder);
  await measureStalls(folder);
  say("measured");
}

/** Says `slice CALLERS NAME COMMITS MILLISECONDS` for every slice that counts. */
async function measureCommits(folder: string): Promise<void> {
  for (const callers of CALLERS) {
    const contenders = await Promise.all(
      Object.entries({ floor, ministate }).map(async ([name, contender]) => {
        const directory = `${folder}/${name}-${callers}`;
        mkdirSync(directory);
        const store = await contender.open(directory);
        // The bare loop has no callers: it writes as many lines at a time as there would be.
        const byHand = name === "floor" && callers > 1;
        return { name, directory, store, work: workOf(store, { callers, byHand, keys: FEW_KEYS }) };
      }),
    );
    for (const { work } of contenders) await work(performance.now() + WARM_UP_MS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, work } of round % 2 === 0 ? contenders : contenders.toReversed()) {
        const start = performance.now();
        const count = await work(start + SLICE_MS);
        say("slice", callers, name, count, performance.now() - start);
      }
    }
    for (const { store, directory } of contenders) {
      await store.close();
      // The card is small.
      rmSync(directory, { recursive: true });
    }
  }
}

/** Says `stall KEYS BEFORE BESIDE OWN`, in milliseconds, for every snapshot that is made beside a caller. */
async function measureStalls(folder: string): Promise<void> {
  for (const keys of STATES) {
    const directory = `${folder}/state-${keys}`;
    mkdirSync(directory);
    await generateLarge(directory, keys);
    for (let i = 0; i < SNAPSHOTS; i++) {
      const { usualStallMax, stallMax, ownStallMax } = await measureSnapshotBeside(directory, keys);
      say("stall", keys, usualStallMax, stallMax, ownStallMax);
    }
    rmSync(directory, { recursive: true });
  }
}
