/**
 * W1 and W2: contenders that commit, in fresh processes that take turns.
 *
 * @module
 */

import fs from "node:fs";
import { join } from "node:path";
import { inDirectory, takeTurns, type Turns } from "../support/start_jobs.ts";
import type { Manner } from "./callers.ts";
import type { Runtime } from "../contenders/contender.ts";
import { contenders } from "../contenders/all.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";

/** What one contender did in one round. */
export interface Entry extends Manner {
  runtime: Runtime;
  /** The module's name, as in `contenders`. */
  contender: string;
  round: number;
  /** Every slice: how many commits, in how many milliseconds. */
  slices: [count: number, elapsedMs: number][];
  /** Why there are none, or no more. */
  failure?: string;
}

/** Who takes part in a workload, and in which manner. */
export type Field = (Manner & { contender: string })[];

/** How long a contender works before it counts, and how often and how long it does then. */
export interface Slices {
  warmUpMs: number;
  sliceMs: number;
  turns: number;
  /** How many turns make a round: a few seconds of all contenders together, in which a disk hardly changes. */
  turnsPerRound: number;
}

/** Of one contender that takes longer than it is given, no more than this many times its share is waited for. */
const OVERTIME_MAX = 3;

/** One caller: every contender commits one reading after the other. */
export function oneCaller(keys: number): Field {
  const manner = { callers: 1, byHand: false, keys };
  return Object.keys(contenders).map((contender) => ({ contender, ...manner }));
}

/** Many callers at once. The floor writes as many lines with one sync; the others run with and without batching. */
export function manyCallers(callers: number, keys: number): Field {
  return Object.entries(contenders).flatMap(([contender, { batchesByHand }]) =>
    [false, true]
      .filter((byHand) => byHand ? batchesByHand : contender !== "floor")
      .map((byHand) => ({ contender, callers, byHand, keys }))
  );
}

/** Those of a field whose callers share a sync; the others need one for each commit, however many wait. */
export function sharingSyncs(field: Field): Field {
  return field.filter(({ contender, byHand }) => byHand || contenders[contender]!.sharesSyncs);
}

/** Lets a field compete on one runtime after the other, in fresh processes each time. */
export async function compete(
  workload: string,
  field: Field,
  slices: Slices,
  starts: number,
  scope: Scope,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let start = 0; start < starts; start++) {
    for (const runtime of inTurn(scope.runtimes, start)) {
      const starters: Entry[] = field
        .filter(({ contender }) => contenders[contender]!.runtimes.includes(runtime))
        .map((starter) => ({ runtime, ...starter, round: start, slices: [] }));
      if (start % 2 === 1) starters.reverse();
      const say = (text: string) =>
        progress(`${workload}, start ${start + 1} of ${starts}, ${runtime}: ${text}`);
      await inDirectory(scope.parent, (directory) => race(starters, directory, slices, say));
      entries.push(...starters.flatMap((entry) => roundsOf(entry, slices)));
    }
  }
  return entries;
}

/**
 * Splits what a process did into rounds. A contender that failed, or took too long, keeps the whole rounds before.
 */
export function roundsOf(entry: Entry, { turns, turnsPerRound }: Slices): Entry[] {
  const { failure: _, ...rest } = entry;
  const count = Math.ceil(turns / turnsPerRound);
  return Array.from({ length: count }, (_, i): Entry => {
    const slices = entry.slices.slice(i * turnsPerRound, (i + 1) * turnsPerRound);
    const round = { ...rest, round: entry.round * count + i, slices };
    const isWhole = slices.length === Math.min(turnsPerRound, turns - i * turnsPerRound);
    if (isWhole) return round;
    return entry.failure === undefined
      ? { ...round, slices: [] }
      : { ...round, failure: entry.failure };
  });
}

/** One start on one runtime: all contenders open, warm up, and take turns in an order that alternates. */
async function race(
  starters: Entry[],
  directory: string,
  { warmUpMs, sliceMs, turns }: Slices,
  say: (text: string) => void,
): Promise<void> {
  let running: { entry: Entry; child: Turns; elapsedMs: number }[] = [];
  const attempt = async (entry: Entry, step: () => Promise<unknown>) => {
    try {
      await step();
    } catch (error) {
      entry.failure = (error as Error).message;
    }
  };
  for (const [i, entry] of starters.entries()) {
    say(`opening ${i + 1} of ${starters.length}`);
    const own = join(directory, String(i));
    fs.mkdirSync(own);
    const child = takeTurns(entry.runtime, entry.contender, own, entry);
    running.push({ entry, child, elapsedMs: 0 });
    await attempt(entry, async () => {
      await child.ready();
      await child.turn(warmUpMs);
    });
  }
  for (let turn = 0; turn < turns; turn++) {
    say(`${turn + 1} of ${turns} turns`);
    for (const runner of running) {
      const { entry, child } = runner;
      if (entry.failure !== undefined || runner.elapsedMs > turns * sliceMs * OVERTIME_MAX) {
        continue;
      }
      await attempt(entry, async () => {
        const { count, elapsedMs } = await child.turn(sliceMs);
        entry.slices.push([count, elapsedMs]);
        runner.elapsedMs += elapsedMs;
      });
    }
    running = running.toReversed();
  }
  await Promise.all(running.map(({ child }) => child.end()));
}
