/**
 * The text of W5: bytes, writes and flushes per commit, the least bytes first.
 *
 * @module
 */

import { contenderOf, UNCOMPACTED } from "../contenders/all.ts";
import { show, type Spread, spread } from "../support/stats.ts";
import { table, verdict } from "../support/table.ts";
import type { TrafficRun } from "./run.ts";

/** The most that a commit of our journal may cost, by the number of callers. */
const MOST: Record<number, { bytes: number; flushes: number }> = {
  1: { bytes: 4480, flushes: 1.01 },
  64: { bytes: 310, flushes: 0.017 },
};

interface TrafficRow {
  name: string;
  contender: string;
  bytes: Spread;
  writes: Spread;
  flushes: Spread;
  failure: string | undefined;
}

/** One table for each number of callers; all runtimes together, for the device doesn't see them. */
export function reportTraffic(runs: TrafficRun[]): string {
  const callers = [...new Set(runs.map((run) => run.callers))];
  const parts = callers.map((count) =>
    reportOne(runs.filter((run) => run.callers === count), count)
  );
  return `W5: what the device is asked for\n\n${parts.join("\n")}`;
}

function reportOne(runs: TrafficRun[], callers: number): string {
  const rows = rowsOf(runs);
  const cells = rows.map(({ name, bytes, writes, flushes, failure }) =>
    failure !== undefined && Number.isNaN(bytes.median)
      ? [name, "failed", "", failure]
      : [name, show(bytes, 0), show(writes, 3), show(flushes, 3)]
  );
  const headings = ["contender", "bytes per commit", "writes", "flushes"];
  const ours = rows.find(({ contender }) => contender === UNCOMPACTED);
  const most = MOST[callers];
  if (ours === undefined || most === undefined) return table(headings, cells);
  const { bytes, flushes } = ours;
  return `${callers === 1 ? "One caller" : `${callers} callers`}:

${table(headings, cells)}
${
    table(["the journal alone should be", "is", "target"], [
      [`at most ${most.bytes} bytes`, show(bytes, 0), verdict(bytes.median <= most.bytes)],
      [
        `at most ${most.flushes} flushes`,
        show(flushes, 4),
        verdict(flushes.median <= most.flushes),
      ],
    ])
  }`;
}

function rowsOf(runs: TrafficRun[]): TrafficRow[] {
  const names = new Map<string, TrafficRun[]>();
  for (const run of runs) {
    const name = nameOf(run);
    names.set(name, [...names.get(name) ?? [], run]);
  }
  return [...names].map(([name, own]) => {
    const complete = own.filter(({ failure, commits }) => failure === undefined && commits > 0);
    return {
      name,
      contender: own[0]!.contender,
      bytes: spread(complete.map(({ bytes, commits }) => bytes / commits)),
      writes: spread(complete.map(({ writes, commits }) => writes / commits)),
      flushes: spread(complete.map(({ flushes, commits }) => flushes / commits)),
      failure: own.find(({ failure }) => failure !== undefined)?.failure,
    };
  }).toSorted((a, b) => (a.bytes.median || Infinity) - (b.bytes.median || Infinity));
}

function nameOf({ contender, byHand }: TrafficRun): string {
  const { name, durable } = contenderOf(contender);
  const by = byHand && contender !== "floor" ? `${name}, batching by hand` : name;
  return durable ? by : `${by} (**not durable**)`;
}
