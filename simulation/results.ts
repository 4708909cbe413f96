// What a simulation counts: one number for each kind, workload, operation and outcome, added up over processes.

/** One kind of thing that was looked at, and how often. */
export interface Row {
  /** "power cuts", "faults", "histories", "bit rot" or "structure". */
  kind: string;
  workload: string;
  /** The call at which the power was cut or the fault came, or what was damaged. */
  operation: string;
  /** The outcome of the recovery. */
  outcome: string;
  count: number;
}

/** Something that is not as it must be. */
export interface Failure {
  kind: string;
  workload: string;
  message: string;
  /** The command that shows it again. */
  replay: string;
}

/** The totals, as they go to the screen while it runs. */
export interface Totals {
  /** Images of a power cut or a fault that were recovered and compared with the model. */
  crashStates: number;
  /** Damaged directories that were opened in both ways. */
  damaged: number;
  /** Calls that were made to fail. */
  faults: number;
  failures: number;
}

/** What had been checked after so many seconds. */
export interface Sample {
  seconds: number;
  crashStates: number;
  damaged: number;
}

/** Everything one simulation found. */
export interface Results {
  startedAt: string;
  seconds: number;
  machine: string;
  processes: { runtime: string; count: number }[];
  seed: number;
  /** The command line that gives the same again. */
  command: string;
  totals: Totals;
  /** The way there, sampled once a second, more rarely the longer it takes. */
  timeline: Sample[];
  rows: Row[];
  failures: Failure[];
}

/** What a process of a simulation says on its standard output, one line of JSON each. */
export type Message =
  | { says: "totals"; totals: Totals; now: string }
  | { says: "failure"; failure: Omit<Failure, "replay"> & { seed: number } }
  | { says: "rows"; rows: Row[] };

const NOTHING: Totals = { crashStates: 0, damaged: 0, faults: 0, failures: 0 };

/** The kinds whose states are damaged directories, not crash states. */
const DAMAGE: readonly string[] = ["bit rot", "structure"];

/** Whether a kind's states count as damaged directories. */
export function isDamage(kind: string): boolean {
  return DAMAGE.includes(kind);
}

/** Adds totals up. */
export function sumTotals(all: Iterable<Totals>): Totals {
  const sum = { ...NOTHING };
  for (const totals of all) {
    for (const key of Object.keys(sum) as (keyof Totals)[]) sum[key] += totals[key];
  }
  return sum;
}

/** A plot shows no more than this, and a run of a night must not fill its file with samples. */
const SAMPLES_MAX = 600;

/** Adds a sample when it is time for one: once a second at first, half as often each time that would be too many. */
export function addSample(timeline: Sample[], seconds: number, totals: Totals): void {
  const gap = 2 ** Math.max(0, Math.ceil(Math.log2(seconds / SAMPLES_MAX)));
  if (seconds < (timeline.at(-1)?.seconds ?? 0) + gap) return;
  timeline.push({ seconds, crashStates: totals.crashStates, damaged: totals.damaged });
  if (timeline.length < SAMPLES_MAX) return;
  timeline.splice(0, SAMPLES_MAX, ...timeline.filter((_, index) => index % 2 === 1));
}

/** Adds up rows that are about the same. */
export function sumRows(rows: Iterable<Row>): Row[] {
  const sums = new Map<string, Row>();
  for (const row of rows) {
    const key = [row.kind, row.workload, row.operation, row.outcome].join("\n");
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...row });
    else sum.count += row.count;
  }
  return [...sums.values()];
}

/** Adds counts up by one of the fields, largest first. */
export function countBy(rows: Row[], field: Exclude<keyof Row, "count">): [string, number][] {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row[field], (counts.get(row[field]) ?? 0) + row.count);
  return [...counts].sort(([, a], [, b]) => b - a);
}
