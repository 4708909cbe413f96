/**
 * Prints what the benchmark came to, each target with the figure that meets or misses it.
 *
 * @module
 */

import { type Runtime, RUNTIMES } from "./children.ts";
import type { Delay } from "./loop_delay.ts";
import { show, spread } from "./stats.ts";

/** Every figure of a run. */
export interface Collected {
  /** Commits per second. */
  commits: { runtime: Runtime; floor: number; one: number; many: number }[];
  /** Sizes in bytes; `above` is the peak less the peak of a process that only holds the state. */
  openings: {
    runtime: Runtime;
    perBatch: number;
    size: number;
    elapsedMs: number;
    peak: number;
    above: number;
  }[];
  delays: ({ runtime: Runtime; situation: string; slow: boolean } & Delay)[];
}

const SEQUENTIAL_LEAST = 0.8;
const CONCURRENT_LEAST = 20;
const MEMORY_MOST_MIB = 64;
const DELAY_MOST_MS = 5;
const MIB = 2 ** 20;

/** Prints all tables: medians, with the least and the most of all rounds. */
export function report(collected: Collected): void {
  console.log("Figures are medians over all rounds (least to most).\n");
  if (collected.commits.length > 0) reportCommits(collected.commits);
  if (collected.openings.length > 0) reportOpenings(collected.openings);
  if (collected.delays.length > 0) reportDelays(collected.delays);
}

function reportCommits(commits: Collected["commits"]): void {
  const rows = RUNTIMES.map((runtime) => {
    const runs = commits.filter((run) => run.runtime === runtime);
    const perSecond = (key: "floor" | "one" | "many") =>
      Math.round(spread(runs.map((run) => run[key])).median).toString();
    const one = spread(runs.map((run) => run.one / run.floor));
    const many = spread(runs.map((run) => run.many / run.one));
    return [
      runtime,
      perSecond("floor"),
      perSecond("one"),
      perSecond("many"),
      show(one, 2),
      verdict(one.median >= SEQUENTIAL_LEAST),
      show(many, 1),
      verdict(many.median >= CONCURRENT_LEAST),
    ];
  });
  print([
    "runtime",
    "bare loop/s",
    "1 caller/s",
    "64 callers/s",
    "1 caller / bare loop",
    `at least ${SEQUENTIAL_LEAST}`,
    "64 callers / 1 caller",
    `at least ${CONCURRENT_LEAST}`,
  ], rows);
}

function reportOpenings(openings: Collected["openings"]): void {
  const rows = [...new Set(openings.map(({ perBatch }) => perBatch))].flatMap((perBatch) =>
    RUNTIMES.map((runtime) => {
      const runs = openings.filter((run) => run.runtime === runtime && run.perBatch === perBatch);
      const above = spread(runs.map((run) => run.above / MIB));
      return [
        runtime,
        String(perBatch),
        (runs[0]!.size / MIB).toFixed(0),
        show(spread(runs.map((run) => run.elapsedMs / 1000)), 2),
        show(spread(runs.map((run) => run.peak / MIB)), 0),
        show(above, 0),
        verdict(above.median <= MEMORY_MOST_MIB),
      ];
    })
  );
  print([
    "runtime",
    "records to a batch",
    "journal MiB",
    "open 1,000,000 records, s",
    "peak MiB",
    "above the state, MiB",
    `at most ${MEMORY_MOST_MIB}`,
  ], rows);
}

function reportDelays(delays: Collected["delays"]): void {
  const situations = [...new Set(delays.map(({ situation }) => situation))];
  const rows = situations.flatMap((situation) =>
    RUNTIMES.map((runtime) => {
      const runs = delays.filter((run) => run.runtime === runtime && run.situation === situation);
      const own = spread(runs.map(({ ownMax }) => ownMax));
      return [
        runtime,
        situation,
        show(spread(runs.map(({ p50 }) => p50)), 2),
        show(spread(runs.map(({ p99 }) => p99)), 2),
        show(spread(runs.map(({ max }) => max)), 2),
        show(own, 2),
        runs[0]!.slow ? verdict(own.median < DELAY_MOST_MS) : "–",
      ];
    })
  );
  print([
    "runtime",
    "a timer's lateness in ms, beside",
    "median",
    "99 %",
    "longest",
    "longest of its own",
    `under ${DELAY_MOST_MS}`,
  ], rows);
}

function verdict(met: boolean): string {
  return met ? "met" : "MISSED";
}

/** A table in Markdown, so that it can be pasted into docs/performance.md as it is. */
function print(headings: string[], rows: string[][]): void {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i]!.length))
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  console.log(line(headings));
  console.log(line(widths.map((width) => "-".repeat(width))));
  for (const row of rows) console.log(line(row));
  console.log();
}
