/**
 * Combines several runs as if they were one of more rounds, so that medians are over all of them.
 *
 * @module
 */

import { RUNTIMES } from "./contenders/contender.ts";
import type { Collected } from "./report.ts";

/** More than any run has: the second run's rounds begin with this number. */
const ROUNDS_MAX = 1000;
/** What may differ from run to run on one machine. */
const DIFFERS = ["date", "load before"];

/**
 * Combines runs; ratios are still within one round of one run.
 *
 * @throws {Error} when they are of different machines or runtimes, or some were quick
 */
export function together(runs: Collected[]): Collected {
  if (new Set(runs.map(({ quick }) => quick)).size > 1) {
    throw new Error("These runs have no common median: some were quick");
  }
  const all = <K extends keyof Collected>(key: K): Collected[K][] => runs.map((run) => run[key]);
  return {
    machine: machineOf(all("machine")),
    quick: all("quick")[0]!,
    competitions: all("competitions").flat()
      .filter(({ title }, i, every) => every.findIndex((other) => other.title === title) === i)
      .map((competition) => ({
        ...competition,
        entries: renumbered(
          runs.map(({ competitions }) =>
            competitions.find(({ title }) => title === competition.title)?.entries ?? []
          ),
        ),
      })),
    openings: all("openings").flat(),
    logs: all("logs").flat(),
    largeStates: all("largeStates").flat(),
    traffic: renumbered(all("traffic")),
    coldStarts: renumbered(all("coldStarts")),
    delays: all("delays").flat(),
    reads: all("reads").flat(),
    // Runs from before there was W9 have none.
    drafts: runs.flatMap(({ drafts }) => drafts ?? []),
    soaks: all("soaks").flat()
      .toSorted((a, b) => RUNTIMES.indexOf(a.runtime) - RUNTIMES.indexOf(b.runtime)),
  };
}

function machineOf(machines: Collected["machine"][]): Collected["machine"] {
  const entries = Object.keys(machines[0]!).map((key) => {
    const values = [...new Set(machines.map((machine) => machine[key]))];
    if (values.length > 1 && !DIFFERS.includes(key)) {
      throw new Error(`These runs have no common median: ${key} is ${values.join(" and ")}`);
    }
    return [key, values.join(", ")];
  });
  return Object.fromEntries(entries);
}

function renumbered<T extends { round: number }>(lists: T[][]): T[] {
  return lists.flatMap((list, run) =>
    list.map((one) => ({ ...one, round: run * ROUNDS_MAX + one.round }))
  );
}
