/**
 * The text of W8: what a read costs beside a writer.
 *
 * @module
 */

import { measuredOn } from "../contenders/contender.ts";
import { show, spread } from "../support/stats.ts";
import { table, verdict } from "../support/table.ts";
import type { ReadRun } from "./run.ts";

/** Medians of reads already differ by this factor from one turn to the next. */
const READ_MOST = 1.1;

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
