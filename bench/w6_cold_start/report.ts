/**
 * The text of W6: time and memory of every cold start, and the rows that we lose.
 *
 * @module
 */

import { type ColdStart, PROGRAMS } from "./run.ts";
import { measuredOn, type Runtime } from "../contenders/contender.ts";
import { BUILT, contenderOf, contenders } from "../contenders/all.ts";
import { show, spread } from "../support/stats.ts";
import { list, table, verdict } from "../support/table.ts";

/** The most that a start may take, by that of the floor in the same form. */
const START_MOST: Record<Runtime, number> = { deno: 1.65, bun: 1.8, node: 1.8 };
const PAIRS = [[BUILT, "line"], ["compiled", "compiled line"]] as const;
const MIB = 2 ** 20;

/** A table with the quickest first. */
export function reportColdStarts(starts: ColdStart[]): string {
  const runtimes = measuredOn(starts);
  const of = (contender: string) => starts.filter((start) => start.contender === contender);
  const names = [...new Set(starts.map(({ contender }) => contender))]
    .toSorted((a, b) => quickest(of(a)) - quickest(of(b)));
  const rows = names.map((contender) => [
    nameOf(contender),
    ...runtimes.flatMap((runtime) => {
      const own = of(contender).filter((start) => start.runtime === runtime);
      if (own.length === 0) return ["", "not there"];
      const complete = own.filter(isComplete);
      if (complete.length === 0) return ["", "failed"];
      return [
        show(spread(complete.map(({ elapsedMs }) => elapsedMs)), 0),
        show(spread(complete.map(({ peak }) => peak / MIB)), 0),
      ];
    }),
  ]);
  const headings = runtimes.flatMap((runtime) => [`${runtime}, ms`, "peak MiB"]);
  const parts = [
    "W6: open, commit once, close, end (Node with its compile cache)\n",
    table(["contender", ...headings], rows),
  ];
  parts.push(reportTargets(starts));
  const failures = starts.filter((start) => !isComplete(start))
    .map(({ contender, runtime, failure }) => `${nameOf(contender)} on ${runtime}: ${failure}`);
  if (failures.length > 0) parts.push(list("Not measured:", [...new Set(failures)]));
  parts.push(list("Lost:", lostStarts(starts)));
  return parts.join("\n");
}

function isComplete({ failure }: ColdStart): boolean {
  return failure === undefined;
}

function nameOf(contender: string): string {
  if (contender in PROGRAMS) return PROGRAMS[contender]!;
  const peer = contenderOf(contender);
  return peer.durable ? peer.name : `${peer.name} (**not durable**)`;
}

function reportTargets(starts: ColdStart[]): string {
  const rows = measuredOn(starts).flatMap((runtime) =>
    PAIRS.flatMap(([ours, floor]) => {
      const here = starts.filter((start) => start.runtime === runtime && isComplete(start));
      const ratios = here.filter(({ contender }) => contender === ours).flatMap((start) =>
        here.filter(({ contender, round }) => contender === floor && round === start.round)
          .map(({ elapsedMs }) => start.elapsedMs / elapsedMs)
      );
      if (ratios.length === 0) return [];
      const figure = spread(ratios);
      const most = START_MOST[runtime];
      return [[
        runtime,
        nameOf(ours),
        show(figure, 2),
        `at most ${most}`,
        verdict(figure.median <= most),
      ]];
    })
  );
  return table(["runtime", "program", "of its floor", "target", ""], rows);
}

/** The least median of all runtimes, to sort by. */
function quickest(starts: ColdStart[]): number {
  return Math.min(...measuredOn(starts).map((runtime) => medianOf(starts, runtime)));
}

function medianOf(starts: ColdStart[], runtime: string): number {
  const own = starts.filter((start) => start.runtime === runtime && isComplete(start));
  return own.length === 0 ? Infinity : spread(own.map(({ elapsedMs }) => elapsedMs)).median;
}

/** The peers that are quicker than we are, in words. */
function lostStarts(starts: ColdStart[]): string[] {
  return measuredOn(starts).flatMap((runtime) => {
    const of = (contender: string) =>
      medianOf(starts.filter((start) => start.contender === contender), runtime);
    const ours = of(BUILT);
    return Object.keys(contenders).filter((contender) => of(contender) < ours).map((contender) =>
      `${nameOf(contender)} on ${runtime} takes ${of(contender).toFixed(0)} ms, we ${
        ours.toFixed(0)
      }`
    );
  });
}
