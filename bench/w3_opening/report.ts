/**
 * The text of W3: opening a long journal, with how much memory, and beside the journals of peers.
 *
 * @module
 */

import { measuredOn } from "../contenders/contender.ts";
import { contenderOf } from "../contenders/all.ts";
import type { LogRun, OpeningRun } from "./run.ts";
import { show, spread } from "../support/stats.ts";
import { list, table, verdict } from "../support/table.ts";

const OPENING_MOST = 1.15;
const MEMORY_MOST_MIB = 48;
const MIB = 2 ** 20;

/** Opening our journal, beside the bare loop and beside the same mutations in a peer. */
export function reportOpenings(openings: OpeningRun[], logs: LogRun[]): string {
  const rows = [...new Set(openings.map(({ perBatch }) => perBatch))].flatMap((perBatch) =>
    measuredOn(openings).map((runtime) => {
      const runs = openings.filter((run) => run.runtime === runtime && run.perBatch === perBatch);
      const above = spread(runs.map((run) => run.above / MIB));
      const ratio = spread(runs.map((run) => run.elapsedMs / run.floorMs));
      return [
        runtime,
        String(perBatch),
        (runs[0]!.size / MIB).toFixed(0),
        show(spread(runs.map((run) => run.elapsedMs / 1000)), 2),
        show(spread(runs.map((run) => run.floorMs / 1000)), 2),
        show(ratio, 2),
        verdict(ratio.median <= OPENING_MOST),
        show(spread(runs.map((run) => run.peak / MIB)), 0),
        show(above, 0),
        verdict(above.median <= MEMORY_MOST_MIB),
      ];
    })
  );
  const headings = [
    "runtime",
    "records to a batch",
    "journal MiB",
    "open 1,000,000 records, s",
    "floor, s",
    "of the floor",
    `at most ${OPENING_MOST}`,
    "peak MiB",
    "above the state, MiB",
    `at most ${MEMORY_MOST_MIB}`,
  ];
  return `W3: open a journal\n\n${table(headings, rows)}\n${reportLogs(openings, logs)}`;
}

/** Who opens the same mutations in which time; ours in the batches that 64 callers make. */
function reportLogs(openings: OpeningRun[], logs: LogRun[]): string {
  const ours = openings.filter(({ perBatch }) => perBatch === 64)
    .map(({ runtime, elapsedMs }) => ({ runtime, contender: "ministate", elapsedMs }));
  const rows = measuredOn(openings).flatMap((runtime) => {
    const here = [...ours, ...logs].filter((run) => run.runtime === runtime);
    return [...new Set(here.map(({ contender }) => contender))].map((contender) => {
      const seconds = here.filter((run) => run.contender === contender)
        .map(({ elapsedMs }) => elapsedMs / 1000);
      return { runtime, contender, seconds: spread(seconds) };
    }).toSorted((a, b) => a.seconds.median - b.seconds.median);
  }).map(({ runtime, contender, seconds }) => [
    runtime,
    contenderOf(contender).name,
    Number.isNaN(seconds.median) ? "failed" : show(seconds, 2),
  ]);
  const failures = logs.flatMap(({ runtime, contender, failure }) =>
    failure === undefined ? [] : [`${contenderOf(contender).name} on ${runtime}: ${failure}`]
  );
  const parts = [table(["runtime", "journal of", "open 1,000,000 records, s"], rows)];
  if (failures.length > 0) parts.push(list("Not measured:", [...new Set(failures)]));
  return parts.join("\n");
}
