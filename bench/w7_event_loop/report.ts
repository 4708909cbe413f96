/**
 * The text of W7: how long the event loop is blocked.
 *
 * @module
 */

import { measuredOn } from "../contenders/contender.ts";
import { contenders } from "../contenders/all.ts";
import type { DelayRun } from "./run.ts";
import { show, spread } from "../support/stats.ts";
import { list, table, verdict } from "../support/table.ts";

const P99_MOST_MS = 2;

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
  return `W7: how long the event loop of a server is blocked\n\n${parts.join("\n")}`;
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
  const peer = contenders[contender];
  if (peer === undefined) return "no commits";
  return peer.durable ? peer.name : `${peer.name} (**not durable**)`;
}
