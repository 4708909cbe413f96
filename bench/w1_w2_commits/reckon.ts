/**
 * Turns the contenders' figures into what the tables say: ratios within a round, targets, lost rows.
 *
 * @module
 */

import type { Entry } from "./run.ts";
import type { Runtime } from "../contenders/contender.ts";
import { contenders } from "../contenders/all.ts";
import { FEW_KEYS } from "../support/workload.ts";
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

/** The bare loop, which all ratios are of. */
const FLOOR = "floor";
const ANSWERING_FLOOR = "answering_floor";
const MINISTATE = "ministate";
/** Our row that is compared with batches by hand. */
const OUR_BULK = "ministate, `applyAll`";

const ONE_CALLER_LEAST = 0.92;
/** What one run differs from the next, with the same code. */
const NOISE = 0.97;
const ANSWERING_LEAST: Record<Runtime, number> = { deno: 0.7, bun: 0.75, node: 0.75 };
/** With few keys a batch by hand may be a little faster; with many, SQLite must change many pages for each. */
const SMALL_STATE_LEAST = 0.97;
const LARGE_STATE_LEAST = 1;
/** Of the best SQLite, by `applyAll`. */
const BULK_LEAST = 0.9;

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
export function rowsOf(entries: Entry[]): Row[] {
  const rows = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = nameOf(entry);
    rows.set(name, [...rows.get(name) ?? [], entry]);
  }
  return [...rows].map(([name, own]) => rowOf(name, own, entries))
    .toSorted((a, b) => best(b) - best(a))
    .toSorted((a, b) => Number(b.contender === FLOOR) - Number(a.contender === FLOOR));
}

function nameOf({ contender, byHand }: Entry): string {
  const { name } = contenders[contender]!;
  if (!byHand || contender === FLOOR) return name;
  return contender === MINISTATE ? OUR_BULK : `${name}, batching by hand`;
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

/** A row's rate by that of another row, round by round. */
function against(entries: Entry[], runtime: Runtime, ours: string, theirs: string): Spread {
  const here = entries.filter((entry) => entry.runtime === runtime);
  const row = (name: string) => here.filter((entry) => nameOf(entry) === name);
  return spread(ratios(row(ours), row(theirs)));
}

/** The best row on a runtime among those that a target is about. */
function bestOf(rows: Row[], runtime: Runtime, wanted: (row: Row) => boolean): Row | undefined {
  return rows
    .filter((row) => isPeer(row) && row.durable && row.cells[runtime] !== undefined && wanted(row))
    .toSorted((a, b) => b.cells[runtime]!.ratio.median - a.cells[runtime]!.ratio.median)[0];
}

function isPeer({ contender }: Row): boolean {
  return ![FLOOR, ANSWERING_FLOOR, MINISTATE].includes(contender);
}

/** Holds a workload against its targets, on each runtime that was measured. */
export function verdictsOf(entries: Entry[]): TargetResult[] {
  const rows = rowsOf(entries);
  const measured = [...new Set(entries.map(({ runtime }) => runtime))];
  return measured.flatMap((runtime) => targetsOf(entries[0]!, rows, runtime)).flatMap(
    ({ runtime, ours = MINISTATE, theirs, least, target }) => {
      const figure = theirs === undefined ? spread([]) : against(entries, runtime, ours, theirs);
      if (Number.isNaN(figure.median)) return [];
      return [{ runtime, target, figure, met: figure.median >= least }];
    },
  );
}

/** The least that a row of ours may be of another one. */
interface Target {
  runtime: Runtime;
  ours?: string;
  /** Nothing when there is no such row on this runtime. */
  theirs: string | undefined;
  least: number;
  target: string;
}

/** The targets of a workload on one runtime, in words. */
function targetsOf({ callers, keys }: Entry, rows: Row[], runtime: Runtime): Target[] {
  if (callers === 1) {
    const peer = bestOf(rows, runtime, () => true)?.name;
    return [
      {
        ...{ runtime, theirs: contenders[FLOOR]!.name, least: ONE_CALLER_LEAST },
        target: `at least ${ONE_CALLER_LEAST} of the floor`,
      },
      {
        ...{ runtime, theirs: peer, least: NOISE },
        target: `at least ${NOISE} of the best peer, ${peer}`,
      },
    ];
  }
  const least = ANSWERING_LEAST[runtime];
  const isSmall = keys === FEW_KEYS;
  const peerLeast = isSmall ? SMALL_STATE_LEAST : LARGE_STATE_LEAST;
  const bulkLeast = isSmall ? BULK_LEAST : LARGE_STATE_LEAST;
  const peer = bestOf(rows, runtime, (row) => row.batched)?.name;
  const sqlite = bestOf(rows, runtime, (row) => row.batched && /sqlite/.test(row.contender))?.name;
  return [
    {
      ...{ runtime, theirs: contenders[ANSWERING_FLOOR]!.name, least },
      target: `at least ${least} of the floor that answers each caller`,
    },
    {
      ...{ runtime, theirs: peer, least: peerLeast },
      target: `at least ${peerLeast} of the best that batches, ${peer}`,
    },
    {
      ...{ runtime, ours: OUR_BULK, theirs: sqlite, least: bulkLeast },
      target: `\`applyAll\`: at least ${bulkLeast} of the best SQLite, ${sqlite}`,
    },
  ];
}

/** The rows that beat ours, in words: calls of their own beat `apply`, batches by hand `applyAll`. */
export function lostRows(entries: Entry[]): string[] {
  const rows = rowsOf(entries);
  return rows.filter(isPeer).flatMap((row) =>
    (Object.keys(row.cells) as Runtime[]).flatMap((runtime) => {
      const { median } = against(entries, runtime, MINISTATE, row.name);
      if (!(median < 1)) return [];
      const but = row.durable ? "" : ", but is not durable";
      const bulk = against(entries, runtime, OUR_BULK, row.name).median;
      const and = bulk < 1 ? `, and ${(1 / bulk).toFixed(2)} times what \`applyAll\` does` : "";
      return [
        `${row.name} on ${runtime} does ${(1 / median).toFixed(2)} times what we do${and}${but}`,
      ];
    })
  );
}
