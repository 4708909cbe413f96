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
import { reportLargeStates } from "./large_report.ts";
import type { LargeRun } from "./large_states.ts";
import { reportDelays, reportReads } from "./loop_report.ts";
import { reportOpenings } from "./opening_report.ts";
import type { LogRun, OpeningRun } from "./openings.ts";
import type { ReadRun } from "./reads.ts";
import { lostRows, type Row, rowsOf, verdictsOf } from "./reckon.ts";
import { reportSoaks } from "./soak_report.ts";
import type { SoakRun } from "./soaks.ts";
import { show } from "./stats.ts";
import { list, table, verdict } from "./table.ts";
import type { TrafficRun } from "./traffic.ts";
import { reportTraffic } from "./traffic_report.ts";

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
  logs: LogRun[];
  largeStates: LargeRun[];
  traffic: TrafficRun[];
  coldStarts: ColdStart[];
  delays: DelayRun[];
  reads: ReadRun[];
  soaks: SoakRun[];
}

/** All of it; what was not measured is left out. */
export function report(collected: Collected): string {
  const parts = ["Figures are medians over all rounds (least to most).\n"];
  parts.push(...collected.competitions.map(reportCompetition));
  if (collected.openings.length > 0) {
    parts.push(reportOpenings(collected.openings, collected.logs));
  }
  if (collected.largeStates.length > 0) parts.push(reportLargeStates(collected.largeStates));
  if (collected.traffic.length > 0) parts.push(reportTraffic(collected.traffic));
  if (collected.coldStarts.length > 0) parts.push(reportColdStarts(collected.coldStarts));
  if (collected.delays.length > 0) parts.push(reportDelays(collected.delays));
  if (collected.reads.length > 0) parts.push(reportReads(collected.reads));
  if (collected.soaks.length > 0) parts.push(reportSoaks(collected.soaks));
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
