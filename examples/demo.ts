/**
 * The demo: kills a telemetry keeper in mid-write again and again, tears its journal, and counts what is left.
 *
 * Run it with `npm run demo` or `deno task demo`. Options: `--rounds N` (9), `--seed N` to repeat the same moments
 * and damages, `--keep` to keep the state directory. Ends with 1 when a single acknowledged reading is missing.
 *
 * @module
 */

import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { audit } from "./demo/audit.ts";
import { runAndKill } from "./demo/keeper.ts";
import type { Findings } from "./demo/reader.ts";
import { output, runProgram, type Runtime, RUNTIMES, start } from "./demo/runtimes.ts";
import { paint, Table } from "./demo/table.ts";
import { TEAR_NAMES, tearTail } from "./demo/tear.ts";
import type { Reading } from "./telemetry_state.ts";

const READER = fileURLToPath(new URL("./demo/reader.ts", import.meta.url));

const options = readOptions();
const seed = options.seed === undefined
  ? Math.floor(Math.random() * 2 ** 32)
  : Number(options.seed);
const rounds = Number(options.rounds);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(rounds) || rounds < 1) {
  stopWithUsage();
}
const missing = RUNTIMES.filter((name) => !process.env[`MINISTATE_${name.toUpperCase()}`]);
if (missing.length > 0) {
  console.error(
    'The runtimes are not set up: start the demo with "npm run demo" or "deno task demo"',
  );
  process.exit(2);
}
const random = randomFrom(seed);

const directory = fs.mkdtempSync(join(os.tmpdir(), "ministate-demo-"));
process.on("exit", (code) => {
  // After a failure it is evidence.
  if (!options.keep && code !== 1) fs.rmSync(directory, { recursive: true, force: true });
});
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));

console.log(`This machine's readings, kept in ${directory} (seed ${seed}).
A keeper on the first runtime is killed in mid-write. The end of its journal is
torn as by a power cut. The second runtime opens it: of what was sent, everything
acknowledged must be there.
`);
const problems: string[] = [];
let readings: Reading[] = [];
let last: Findings | undefined;
let acknowledgedCount = 0;
await killRounds();
console.log();
await secondOpinions();
console.log();
showSensors();
conclude();

function readOptions() {
  // `deno task` passes the `--` on that npm takes away.
  const args = process.argv.slice(2).filter((arg) => arg !== "--");
  try {
    const { values } = parseArgs({
      args,
      options: {
        rounds: { type: "string", default: "9" },
        seed: { type: "string" },
        keep: { type: "boolean", default: false },
      },
    });
    return values;
  } catch {
    return stopWithUsage();
  }
}

function stopWithUsage(): never {
  console.error("Usage: npm run demo -- [--rounds N] [--seed N] [--keep]");
  process.exit(2);
}

/** Start, kill, tear, reopen on another runtime, compare; again and again in one directory. */
async function killRounds(): Promise<void> {
  const table = new Table([
    { heading: "#", width: 2, right: true },
    { heading: "runtimes", width: 11 },
    { heading: "sent", width: 5, right: true },
    { heading: "acknowledged", width: 12, right: true },
    { heading: "torn by", width: 12 },
    { heading: "cut", width: 6, right: true },
    { heading: "recovered", width: 9, right: true },
    { heading: "all there", width: 9 },
  ]);
  for (let round = 0; round < rounds; round++) {
    const keeper = RUNTIMES[round % 3]!;
    const opener = RUNTIMES[(round + 1) % 3]!;
    const tear = TEAR_NAMES[round % TEAR_NAMES.length]!;
    const before = readings;
    const testimony = await runAndKill(keeper, directory, 100 + 900 * random());
    const acknowledged = testimony.acknowledged.at(-1)?.sequence ?? before.length;
    tearTail(directory, tear, acknowledged, random);
    last = await read(opener);
    const wrong = audit(before, testimony, last);
    problems.push(...wrong.map((problem) => `Kill ${round + 1}: ${problem}`));
    readings = last.records.map(({ mutation }) => mutation);
    acknowledgedCount += testimony.acknowledged.length;
    const { torn } = last.recovery;
    table.row([
      round + 1,
      `${keeper} → ${opener}`,
      testimony.sent.length,
      testimony.acknowledged.length,
      tear,
      torn === null ? "–" : `${torn.size} B`,
      readings.length - before.length,
      wrong.length === 0 ? "yes" : "NO",
    ], wrong.length === 0 ? undefined : "red");
  }
}

async function read(runtime: Runtime): Promise<Findings> {
  return JSON.parse((await output(start(runtime, READER, [directory])))!);
}

/** Reads the same directory with every runtime, and with a program that knows nothing of us. */
async function secondOpinions(): Promise<void> {
  const table = new Table([
    { heading: "read by", width: 7 },
    { heading: "readings", width: 8, right: true },
    { heading: "compared with what was recovered", width: 32 },
  ]);
  const compare = (reader: string, found: Reading[], state?: Findings["state"]) => {
    const agrees = isDeepStrictEqual(found, readings) &&
      (state === undefined || isDeepStrictEqual(state, last!.state));
    if (!agrees) problems.push(`${reader} reads something else`);
    const what = state === undefined ? "the same readings" : "the same readings, the same state";
    table.row([reader, found.length, agrees ? what : "DIFFERENT"], agrees ? undefined : "red");
  };
  for (const runtime of RUNTIMES) {
    const { records, state } = await read(runtime);
    compare(runtime, records.map(({ mutation }) => mutation), state);
  }
  const segments = fs.readdirSync(directory).filter((name) => name.endsWith(".wal.jsonl")).sort();
  // A line of the initial state begins with an array instead of a sequence.
  const filter = 'select(type == "array" and (.[0] | type) == "number") | .[1]';
  const lines = await runProgram("jq", [
    "-c",
    filter,
    ...segments.map((name) => join(directory, name)),
  ]);
  if (lines === null) table.row(["jq", "–", "not installed, so not compared"], "yellow");
  else compare("jq", lines.split("\n").slice(0, -1).map((line) => JSON.parse(line)));
}

/** The state itself, so that a reader sees what all this was about. */
function showSensors(): void {
  const table = new Table([
    { heading: "sensor", width: 24 },
    { heading: "latest", width: 11, right: true },
    { heading: "minimum", width: 11, right: true },
    { heading: "maximum", width: 11, right: true },
    { heading: "readings", width: 8, right: true },
    { heading: "unit", width: 8 },
  ]);
  const sensors = Object.entries(last!.state.sensors).sort(([a], [b]) => a < b ? -1 : 1);
  for (const [name, { latest, minimum, maximum, count, unit }] of sensors.slice(0, 14)) {
    table.row([name, latest, minimum, maximum, count, unit]);
  }
  if (sensors.length > 14) console.log(paint("dim", `… and ${sensors.length - 14} more`));
}

function conclude(): void {
  const sound = problems.length === 0;
  console.log();
  for (const problem of problems.slice(0, 20)) console.log(paint("red", problem));
  const verdict = sound
    ? `All ${acknowledgedCount} readings acknowledged before ${rounds} kills are there, in order, once each.`
    : `FAILED with ${problems.length} problems; again: npm run demo -- --seed ${seed}`;
  console.log(paint(sound ? "green" : "red", verdict));
  console.log(
    options.keep || !sound
      ? `The state directory is ${directory}.`
      : `The state directory was ${directory}; "npm run demo -- --keep" keeps it.`,
  );
  process.exitCode = sound ? 0 : 1;
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
