/**
 * The text of W7 and W8: how long the event loop is held, and what a read costs beside a writer.
 *
 * @module
 */

import { measuredOn } from "./contender.ts";
import { contenders } from "./contenders.ts";
import type { DelayRun } from "./delays.ts";
import type { ReadRun } from "./reads.ts";
import { show, spread } from "./stats.ts";
import { list, table, verdict } from "./table.ts";

const P99_MOST_MS = 2;
/** Two medians of reads differ by so much from one turn to the next already. */
const READ_MOST = 1.1;

/** One table for each disk. */
export function reportDelays(delays: DelayRun[]): string {
  const disks = [...new Set(delays.map(({ syncMs }) => syncMs))];
  const parts = disks.map((syncMs) =>
    reportDisk(delays.filter((run) => run.syncMs === syncMs), syncMs)
  );
  const failures = delays.flatMap(({ contender, runtime, failure }) =>
    failure === undefined ? [] : [`${nameOf(contender)} on ${runtime}: ${failure}`]
  );
  if (failures.length > 0) parts.push(list("Not measured:", [...new Set(failures)]));
  return `W7: how long the event loop of a server is held\n\n${parts.join("\n")}`;
}

function reportDisk(delays: DelayRun[], syncMs: number): string {
  const rows = measuredOn(delays).flatMap((runtime) => {
    const here = delays.filter((run) => run.runtime === runtime);
    const names = [...new Set(here.map(({ contender }) => contender))];
    return names.flatMap((contender) => {
      const runs = here.filter((run) => run.contender === contender && run.failure === undefined);
      if (runs.length === 0) return [];
      const p99 = spread(runs.map((run) => run.p99));
      return [{
        median: p99.median,
        cells: [
          runtime,
          nameOf(contender),
          show(spread(runs.map(({ p50 }) => p50)), 2),
          show(p99, 2),
          show(spread(runs.map(({ max }) => max)), 1),
          show(spread(runs.map(({ requests }) => requests)), 0),
          contender === "ministate" ? verdict(p99.median < P99_MOST_MS) : "–",
        ],
      }];
    }).toSorted((a, b) => a.median - b.median);
  });
  const headings = [
    "runtime",
    "a timer's lateness in ms, beside",
    "median",
    "99 %",
    "longest",
    "requests",
    `99 % under ${P99_MOST_MS}`,
  ];
  const disk = syncMs === 0 ? "The disk as it is" : `Each sync takes ${syncMs} ms longer`;
  return `${disk}:\n\n${table(headings, rows.map(({ cells }) => cells))}`;
}

function nameOf(contender: string): string {
  const known = contenders[contender];
  if (known === undefined) return "no commits";
  return known.durable ? known.name : `${known.name} (**not durable**)`;
}

/** Reads alone and beside a writer. */
export function reportReads(runs: ReadRun[]): string {
  const rows = measuredOn(runs).map((runtime) => {
    const own = runs.filter((run) => run.runtime === runtime);
    const ratio = spread(own.map(({ besideWriter, alone }) => besideWriter / alone));
    return [
      runtime,
      show(spread(own.map(({ alone }) => alone)), 1),
      show(spread(own.map(({ besideWriter }) => besideWriter)), 1),
      show(ratio, 2),
      verdict(ratio.median <= READ_MOST),
    ];
  });
  const headings = [
    "runtime",
    "a read alone, ns",
    "beside 64 callers",
    "ratio",
    `at most ${READ_MOST}`,
  ];
  return `W8: reads while writing\n\n${table(headings, rows)}`;
}
