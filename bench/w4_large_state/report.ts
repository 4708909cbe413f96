/**
 * The text of W4: opening a large state, and making a snapshot of it beside a caller.
 *
 * @module
 */

import { measuredOn } from "../contenders/contender.ts";
import type { LargeRun } from "./run.ts";
import { show, spread } from "../support/stats.ts";
import { table, verdict } from "../support/table.ts";

const OPEN_MOST = 1.1;
const STALL_MOST_MS = 50;
const P99_MOST = 3;
const MIB = 2 ** 20;

/** Two tables. */
export function reportLargeStates(runs: LargeRun[]): string {
  const runtimes = measuredOn(runs);
  const openings = runtimes.map((runtime) => {
    const own = runs.filter((run) => run.runtime === runtime);
    const ratio = spread(own.map(({ openMs, floorMs }) => openMs / floorMs));
    return [
      runtime,
      (own[0]!.size / MIB).toFixed(0),
      show(spread(own.map(({ openMs }) => openMs / 1000)), 2),
      show(spread(own.map(({ floorMs }) => floorMs / 1000)), 2),
      show(ratio, 2),
      verdict(ratio.median <= OPEN_MOST),
      show(spread(own.map(({ peak }) => peak / MIB)), 0),
    ];
  });
  const snapshots = runtimes.map((runtime) => {
    const own = runs.filter((run) => run.runtime === runtime).map(({ beside }) => beside);
    const stall = spread(own.map(({ stallMax }) => stallMax));
    const ratio = spread(own.map(({ p99, usualP99 }) => p99 / usualP99));
    return [
      runtime,
      show(spread(own.map(({ elapsedMs }) => elapsedMs / 1000)), 1),
      show(stall, 1),
      show(spread(own.map(({ ownStallMax }) => ownStallMax)), 1),
      verdict(stall.median < STALL_MOST_MS),
      show(spread(own.map(({ usualP99 }) => usualP99)), 2),
      show(spread(own.map(({ p99 }) => p99)), 2),
      show(ratio, 1),
      verdict(ratio.median < P99_MOST),
      show(spread(own.map(({ peak }) => peak / MIB)), 0),
    ];
  });
  const openingHeadings = [
    "runtime",
    "snapshot MiB",
    "open, s",
    "floor, s",
    "of the floor",
    `at most ${OPEN_MOST}`,
    "peak MiB",
  ];
  const snapshotHeadings = [
    "runtime",
    "snapshot, s",
    "longest stall, ms",
    "of its own",
    `under ${STALL_MOST_MS}`,
    "a commit's 99 %, ms",
    "beside the snapshot",
    "times the usual",
    `under ${P99_MOST}`,
    "peak MiB",
  ];
  return `W4: a large state

Opening it from its snapshot:

${table(openingHeadings, openings)}
Making a snapshot while one caller commits:

${table(snapshotHeadings, snapshots)}`;
}
