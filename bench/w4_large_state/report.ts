/**
 * The text of W4: opening large states, and making a snapshot of each beside a caller.
 *
 * @module
 */

import { measuredOn } from "../contenders/contender.ts";
import type { LargeRun } from "./run.ts";
import { show, spread } from "../support/stats.ts";
import { table, verdict } from "../support/table.ts";

const OPEN_MOST = 1.1;
/** Up to 100,000 keys. Of an object with a million, V8 lists all keys in one go of a quarter of a second. */
const STALL_MOST_MS = 5;
const STALL_KEYS_MOST = 100_000;
const P99_MOST = 3;
const MIB = 2 ** 20;

/** Two tables. */
export function reportLargeStates(runs: LargeRun[]): string {
  const groups = [...new Set(runs.map(({ keys }) => keys))].flatMap((keys) =>
    measuredOn(runs).map((runtime) => {
      const own = runs.filter((run) => run.runtime === runtime && run.keys === keys);
      return { keys, own, name: [runtime, keys.toLocaleString("en")] };
    })
  );
  const openings = groups.map(({ own, name }) => {
    const ratio = spread(own.map(({ openMs, floorMs }) => openMs / floorMs));
    return [
      ...name,
      (own[0]!.size / MIB).toFixed(0),
      show(spread(own.map(({ openMs }) => openMs / 1000)), 2),
      show(spread(own.map(({ floorMs }) => floorMs / 1000)), 2),
      show(ratio, 2),
      verdict(ratio.median <= OPEN_MOST),
      show(spread(own.map(({ peak }) => peak / MIB)), 0),
    ];
  });
  const snapshots = groups.map(({ keys, own: runs, name }) => {
    const own = runs.map(({ beside }) => beside);
    const stall = spread(own.map(({ stallMax }) => stallMax));
    const ratio = spread(own.map(({ p99, usualP99 }) => p99 / usualP99));
    return [
      ...name,
      show(spread(own.map(({ elapsedMs }) => elapsedMs / 1000)), 1),
      show(spread(own.map(({ usualStallMax }) => usualStallMax)), 1),
      show(stall, 1),
      show(spread(own.map(({ ownStallMax }) => ownStallMax)), 1),
      keys > STALL_KEYS_MOST ? "–" : verdict(stall.median <= STALL_MOST_MS),
      show(spread(own.map(({ usualP99 }) => usualP99)), 2),
      show(spread(own.map(({ p99 }) => p99)), 2),
      show(ratio, 1),
      verdict(ratio.median < P99_MOST),
      show(spread(own.map(({ peak }) => peak / MIB)), 0),
    ];
  });
  const openingHeadings = [
    "runtime",
    "keys",
    "snapshot MiB",
    "open, s",
    "one JSON object, s",
    "of it",
    `at most ${OPEN_MOST}`,
    "peak MiB",
  ];
  const snapshotHeadings = [
    "runtime",
    "keys",
    "snapshot, s",
    "longest stall before, ms",
    "beside the snapshot",
    "of its own",
    `at most ${STALL_MOST_MS}`,
    "a commit's 99 % before, ms",
    "beside the snapshot",
    "times the usual",
    `under ${P99_MOST}`,
    "peak MiB",
  ];
  return `W4: large states

Opening them from their snapshots:

${table(openingHeadings, openings)}
Making a snapshot while one caller commits:

${table(snapshotHeadings, snapshots)}`;
}
