/**
 * The text of W9: what a call costs on a draft, and how much more than on the state itself.
 *
 * @module
 */

import { measuredOn } from "../contenders/contender.ts";
import { show, spread } from "../support/stats.ts";
import { table } from "../support/table.ts";
import type { DraftRun } from "./run.ts";

/** A table for each runtime: ratios are within one process. */
export function reportDrafts(runs: DraftRun[]): string {
  const tables = measuredOn(runs).map((runtime) => {
    const figures = runs.filter((run) => run.runtime === runtime).flatMap((run) => run.figures);
    const names = [...new Set(figures.map(({ program }) => program))];
    const rows = names.map((name) => {
      const own = figures.filter(({ program }) => program === name);
      return [
        name,
        show(spread(own.map(({ raw }) => raw)), 0),
        show(spread(own.map(({ draft }) => draft)), 0),
        show(spread(own.map(({ draft, raw }) => draft - raw)), 0),
        show(spread(own.map(({ draft, raw }) => draft / raw)), 1),
      ];
    });
    const headings = [
      `${runtime}: a call that …`,
      "on the state, ns",
      "on a draft",
      "more",
      "ratio",
    ];
    return table(headings, rows);
  });
  return `W9: changes that can be taken back\n\n${tables.join("\n")}`;
}
