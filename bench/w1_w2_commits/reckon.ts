/**
 * Turns the contenders' figures into what the tables say: ratios within a round, targets, lost rows.
 *
 * @module
 */

import type { Entry } from "./run.ts";
import type { Runtime } from "../contenders/contender.ts";
import { contenders } from "../contenders/all.ts";
import { type Spread, spread } from "../support/stats.ts";

/** The figures of one contender on one runtime. */
export interface Cell {
  perSecond: Spread;
  /** How it compares with the floor of the same round and runtime. */
  ratio: Spread;
}

/** A contender in one manner, on all runtimes. */
export interface Row {
  name: string;
  contender: string;
  durable: boolean;
  /** Whether many commits shared a sync. */
  batched: boolean;
  cells: Partial<Record<Runtime, Cell>>;
  /** Why there is no figure, or one of fewer rounds. */
  failures: Partial<Record<Runtime, string>>;
}

/** A figure compared with its minimum. */
export interface TargetResult {
  runtime: Runtime;
  target: string;
  figure: Spread;
  met: boolean;
}

const FLOOR = "floor";
const MINISTATE = "ministate";

const ONE_CALLER_LEAST = 0.92;
const GROUP_LEAST = 0.6;
const BATCHED_LEAST = 2.5;
const UNBATCHED_LEAST = 25;

function rateOf({ slices }: Entry): number {
  const count = slices.reduce((sum, [count]) => sum + count, 0);
  const elapsedMs = slices.reduce((sum, [, elapsedMs]) => sum + elapsedMs, 0);
  return count / elapsedMs * 1000;
}

/** One entry's rate by another's, in every round that both finished. */
function ratios(entries: Entry[], others: Entry[]): number[] {
  return entries.flatMap((entry) => {
    const other = others.find(({ round }) => round === entry.round);
    return other === undefined || !isComplete(entry) || !isComplete(other)
      ? []
      : [rateOf(entry) / rateOf(other)];
  });
}

function isComplete({ slices, failure }: Entry): boolean {
  return failure === undefined && slices.length > 0;
}

/** Sorts a workload's entries into rows: the floor first, then by closeness to it. */
export function rowsOf(entries: Entry[], callers: number): Row[] {
  const rows = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = nameOf(entry, callers);
    rows.set(name, [...rows.get(name) ?? [], entry]);
  }
  return [...rows].map(([name, own]) => rowOf(name, own, entries))
    .toSorted((a, b) => best(b) - best(a))
    .toSorted((a, b) => Number(b.contender === FLOOR) - Number(a.contender === FLOOR));
}

function nameOf({ contender, byHand, callers }: Entry, expected: number): string {
  const { name } = contenders[contender]!;
  if (callers !== expected) return `${name}, ${callers} callers`;
  return byHand && contender !== FLOOR ? `${name}, batching by hand` : name;
}

function rowOf(name: string, own: Entry[], all: Entry[]): Row {
  const { contender, byHand, callers } = own[0]!;
  const { durable, sharesSyncs } = contenders[contender]!;
  const row: Row = {
    name,
    contender,
    durable,
    batched: callers > 1 && (byHand || sharesSyncs),
    cells: {},
    failures: {},
  };
  for (const runtime of new Set(own.map((entry) => entry.runtime))) {
    const here = own.filter((entry) => entry.runtime === runtime);
    const failed = here.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) row.failures[runtime] = failed.failure!;
    const complete = here.filter(isComplete);
    const toFloor = ratios(complete, floorOf(all, runtime));
    if (toFloor.length === 0) continue;
    row.cells[runtime] = { perSecond: spread(complete.map(rateOf)), ratio: spread(toFloor) };
  }
  return row;
}

function floorOf(entries: Entry[], runtime: Runtime): Entry[] {
  return entries.filter((entry) => entry.contender === FLOOR && entry.runtime === runtime);
}

/** The best of all runtimes, to sort by. */
function best({ cells }: Row): number {
  return Math.max(0, ...Object.values(cells).map(({ ratio }) => ratio.median));
}

/** ministate's rate by that of another row, round by round. */
function against(entries: Entry[], callers: number, runtime: Runtime, name: string): Spread {
  const here = entries.filter((entry) => entry.runtime === runtime);
  const ours = here.filter((entry) => entry.contender === MINISTATE && entry.callers === callers);
  return spread(ratios(ours, here.filter((entry) => nameOf(entry, callers) === name)));
}

/** The best row on a runtime among those that a target is about. */
function bestOf(rows: Row[], runtime: Runtime, wanted: (row: Row) => boolean): Row | undefined {
  return rows
    .filter((row) => isPeer(row) && row.durable && row.cells[runtime] !== undefined && wanted(row))
    .toSorted((a, b) => b.cells[runtime]!.ratio.median - a.cells[runtime]!.ratio.median)[0];
}

function isPeer({ contender }: Row): boolean {
  return contender !== FLOOR && contender !== MINISTATE;
}

/** Holds a workload against its targets, on each runtime that was measured. */
export function verdictsOf(entries: Entry[], callers: number): TargetResult[] {
  const rows = rowsOf(entries, callers);
  const measured = [...new Set(entries.map(({ runtime }) => runtime))];
  return measured.flatMap((runtime) => {
    const verdicts: TargetResult[] = [];
    const hold = (name: string | undefined, least: number, target: string) => {
      if (name === undefined) return;
      const figure = against(entries, callers, runtime, name);
      if (!Number.isNaN(figure.median)) {
        verdicts.push({ runtime, target, figure, met: figure.median >= least });
      }
    };
    if (callers === 1) {
      const peer = bestOf(rows, runtime, () => true)?.name;
      hold("floor", ONE_CALLER_LEAST, `at least ${ONE_CALLER_LEAST} of the floor`);
      hold(peer, 1, `ahead of every peer: the best is ${peer}`);
      return verdicts;
    }
    const fewer = rows.find((row) => row.contender === MINISTATE && row.name !== MINISTATE)?.name;
    if (fewer !== undefined) {
      hold(fewer, 1, `no slower than ${fewer}`);
      return verdicts;
    }
    const batched = bestOf(rows, runtime, (row) => row.batched)?.name;
    const single = bestOf(rows, runtime, (row) => !row.batched)?.name;
    hold("floor", GROUP_LEAST, `at least ${GROUP_LEAST} of the floor`);
    hold(batched, BATCHED_LEAST, `${BATCHED_LEAST} times the best that batches, ${batched}`);
    hold(single, UNBATCHED_LEAST, `${UNBATCHED_LEAST} times the best that doesn't, ${single}`);
    return verdicts;
  });
}

/** The rows that beat ours, in words. */
export function lostRows(entries: Entry[], callers: number): string[] {
  const rows = rowsOf(entries, callers);
  return rows.filter(isPeer).flatMap((row) =>
    (Object.keys(row.cells) as Runtime[]).flatMap((runtime) => {
      const { median } = against(entries, callers, runtime, row.name);
      if (!(median < 1)) return [];
      const but = row.durable ? "" : ", but is not durable";
      return [`${row.name} on ${runtime} does ${(1 / median).toFixed(2)} times what we do${but}`];
    })
  );
}
