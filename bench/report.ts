/**
 * The text of a run: every table, each target with the figure that meets or misses it, and the rows that we lose.
 *
 * @module
 */

import { reportColdStarts } from "./cold_report.ts";
import type { ColdStart } from "./cold_starts.ts";
import type { Entry } from "./competition.ts";
import { measuredOn, type Runtime } from "./contender.ts";
import { contenders } from "./contenders.ts";
import type { DelayRun } from "./delays.ts";
import type { OpeningRun } from "./openings.ts";
import { lostRows, type Row, rowsOf, verdictsOf } from "./reckon.ts";
import { show, spread } from "./stats.ts";
import { list, table, verdict } from "./table.ts";

/** W1 or one of the two of W2. */
export interface Competition {
  name: string;
  title: string;
  callers: number;
  entries: Entry[];
}

/** Every figure of a run, as the JSON has it. */
export interface Collected {
  machine: Record<string, string>;
  quick: boolean;
  competitions: Competition[];
  openings: OpeningRun[];
  coldStarts: ColdStart[];
  delays: DelayRun[];
}

const OPENING_MOST = 1.15;
const MEMORY_MOST_MIB = 64;
const DELAY_MOST_MS = 5;
const MIB = 2 ** 20;

/** All of it; what was not measured is left out. */
export function report(collected: Collected): string {
  const parts = ["Figures are medians over all rounds (least to most).\n"];
  parts.push(...collected.competitions.map(reportCompetition));
  if (collected.openings.length > 0) parts.push(reportOpenings(collected.openings));
  if (collected.coldStarts.length > 0) parts.push(reportColdStarts(collected.coldStarts));
  if (collected.delays.length > 0) parts.push(reportDelays(collected.delays));
  return parts.join("\n");
}

function reportCompetition({ name, title, callers, entries }: Competition): string {
  const runtimes = measuredOn(entries);
  const rows = rowsOf(entries, callers);
  const rates = rows.map((row) => [
    row.durable ? row.name : `${row.name} (**not durable**)`,
    ...runtimes.flatMap((runtime) => {
      const cell = row.cells[runtime];
      if (cell === undefined) return ["", absence(row, runtime)];
      return [Math.round(cell.perSecond.median).toString(), show(cell.ratio, 2)];
    }),
  ]);
  const headings = runtimes.flatMap((runtime) => [`${runtime}, per second`, "of its floor"]);
  const targets = verdictsOf(entries, callers).map(({ runtime, target, figure, met }) => [
    runtime,
    target,
    show(figure, 2),
    verdict(met),
  ]);
  const parts = [`${name}: ${title}\n`, table(["contender", ...headings], rates)];
  const failures = rows.flatMap(failuresOf);
  if (failures.length > 0) parts.push(list("Not measured:", failures));
  parts.push(table(["runtime", "ministate should be", "is", "target"], targets));
  parts.push(list("Lost:", lostRows(entries, callers)));
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

/** How every contender was made durable. */
export function reportDurability(): string {
  const rows = Object.values(contenders).map(({ name, durability }) => [name, durability]);
  return table(["contender", "made durable by"], rows);
}

function reportOpenings(openings: OpeningRun[]): string {
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
  return `W3: open a journal\n\n${table(headings, rows)}`;
}

function reportDelays(delays: DelayRun[]): string {
  const situations = [...new Set(delays.map(({ situation }) => situation))];
  const rows = situations.flatMap((situation) =>
    measuredOn(delays).map((runtime) => {
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
  const headings = [
    "runtime",
    "a timer's lateness in ms, beside",
    "median",
    "99 %",
    "longest",
    "longest of its own",
    `under ${DELAY_MOST_MS}`,
  ];
  return `W7: how late timers are\n\n${table(headings, rows)}`;
}
