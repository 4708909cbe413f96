/**
 * The text of W1 and W2: rates, each target with the figure that meets or misses it, and the rows that we lose.
 *
 * @module
 */

import { contenders } from "../contenders/all.ts";
import { measuredOn, type Runtime } from "../contenders/contender.ts";
import { show } from "../support/stats.ts";
import { list, table, verdict } from "../support/table.ts";
import { lostRows, type Row, rowsOf, verdictsOf } from "./reckon.ts";
import type { Entry } from "./run.ts";

/** W1 or one of the two of W2. */
export interface Competition {
  name: string;
  title: string;
  callers: number;
  keys: number;
  entries: Entry[];
}

/** The tables of one competition. */
export function reportCompetition({ name, title, entries }: Competition): string {
  const runtimes = measuredOn(entries);
  const rows = rowsOf(entries);
  const rates = rows.map((row) => [
    row.durable ? row.name : `${row.name} (**not durable**)`,
    ...runtimes.flatMap((runtime) => {
      const cell = row.cells[runtime];
      if (cell === undefined) return ["", absence(row, runtime)];
      return [Math.round(cell.perSecond.median).toString(), show(cell.ratio, 2)];
    }),
  ]);
  const headings = runtimes.flatMap((runtime) => [`${runtime}, per second`, "of its floor"]);
  const targets = verdictsOf(entries).map(({ runtime, target, figure, met }) => [
    runtime,
    target,
    show(figure, 2),
    verdict(met),
  ]);
  const parts = [`${name}: ${title}\n`, table(["contender", ...headings], rates)];
  const failures = rows.flatMap(failuresOf);
  if (failures.length > 0) parts.push(list("Not measured:", failures));
  parts.push(table(["runtime", "ministate should be", "is", "target"], targets));
  parts.push(list("Lost:", lostRows(entries)));
  return parts.join("\n");
}

/** What a cell says that has no figure: why is in the list below. */
function absence({ failures, contender }: Row, runtime: Runtime): string {
  if (failures[runtime] !== undefined) return "failed";
  return contenders[contender]!.runtimes.includes(runtime) ? "not measured" : "not there";
}

function failuresOf({ name, failures }: Row): string[] {
  return Object.entries(failures).map(([runtime, reason]) => `${name} on ${runtime}: ${reason}`);
}
