/**
 * The text of the soak: whether memory grows, and whether a commit costs more where there have been many.
 *
 * @module
 */

import { measuredOn } from "../contenders/contender.ts";
import type { Age, SoakRun } from "./run.ts";
import { show, spread } from "../support/stats.ts";
import { table, verdict } from "../support/table.ts";

/** What a garbage collector may differ by from one third of a soak to the next. */
const GROWTH_MOST = 1.1;
/** What directories may differ by, as they do when they are of the same age. */
const AGE_LEAST = 0.97;
const MIB = 2 ** 20;

/** Two tables. */
export function reportSoaks(runs: SoakRun[]): string {
  const soaks = runs.map(({ runtime, samples }) => {
    const last = samples.at(-1)!;
    const third = Math.ceil(samples.length / 3);
    const most = (part: typeof samples) => Math.max(...part.map(({ resident }) => resident));
    const [middle, end] = [most(samples.slice(third, -third)), most(samples.slice(-third))];
    return [
      runtime,
      last.commits.toLocaleString("en"),
      last.seconds.toFixed(0),
      Math.round(last.commits / last.seconds).toLocaleString("en"),
      show(spread(samples.map(({ p50 }) => p50)), 2),
      show(spread(samples.map(({ p99 }) => p99)), 2),
      (middle / MIB).toFixed(0),
      (end / MIB).toFixed(0),
      verdict(end <= middle * GROWTH_MOST),
      (Math.max(...samples.map(({ directory }) => directory)) / MIB).toFixed(0),
      Math.max(...samples.map(({ backlog }) => backlog)).toLocaleString("en"),
    ];
  });
  const ages = measuredOn(runs).flatMap((runtime) => {
    const directories = agesOf(runs.filter((run) => run.runtime === runtime));
    const rates = directories.map(ratesOf);
    return directories.map(({ name }, i) => {
      const ratio = spread(rates[i]!.map((rate, turn) => rate / rates[0]![turn]!));
      return [
        runtime,
        name,
        show(spread(rates[i]!), 0),
        show(ratio, 2),
        i === 0 ? "–" : verdict(ratio.median >= AGE_LEAST),
      ];
    });
  });
  const soakHeadings = [
    "runtime",
    "commits",
    "seconds",
    "per second",
    "half of them, ms",
    "99 %, ms",
    "most resident in the middle third, MiB",
    "in the last",
    `at most ${GROWTH_MOST} of it`,
    "largest directory, MiB",
    "most mutations since a snapshot",
  ];
  const ageHeadings = [
    "runtime",
    "directory",
    "commits/s of one caller",
    "of an empty one",
    `at least ${AGE_LEAST}`,
  ];
  return `Soak: 64 callers, automatic compaction

${table(soakHeadings, soaks)}
${table(ageHeadings, ages)}`;
}

/** The directories of several runs, turn after turn. */
function agesOf(runs: SoakRun[]): Age[] {
  return runs[0]!.ages.map((_, i) => ({
    // On a slow disk, runs differ in how many commits there were.
    name: [...new Set(runs.map(({ ages }) => ages[i]!.name))].join(" or "),
    slices: runs.flatMap(({ ages }) => ages[i]!.slices),
  }));
}

function ratesOf({ slices }: Age): number[] {
  return slices.map(([count, elapsedMs]) => count / elapsedMs * 1000);
}
