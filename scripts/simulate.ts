// Runs the real code on the simulated disk, on all cores: power cuts, faults, damage and random histories.
//
// With --ci the three runtimes share a fixed amount of it, and below 100,000 crash states it fails; otherwise it continues
// with random histories until the time is over. Ends with a summary and an HTML report.
// The last line is "N passed, N failed".

import { SingleBar } from "cli-progress";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { renderReport } from "../simulation/report/report.ts";
import {
  addSample,
  countBy,
  isDamage,
  type Results,
  sumRows,
  sumTotals,
  type Totals,
} from "../simulation/results.ts";
import { simulate, type SimulationOptions } from "../simulation/run.ts";
import { root, type Runtime, runtimes } from "./toolchain.ts";

const HELP = `npm run simulate -- [options]

  --minutes M        how long (default 1)
  --seed N           repeats a run; drawn and printed when not given
  --workload TEXT    only explorations with this in their names
  --call N           only this call of each workload
  --images N         every image of a power cut is tried up to this many, else as many are drawn (default 64)
  --runtime NAME     deno, bun or node (default deno, the fastest at it)
  --processes N      how many processes (default: one for each core)
  --ci               the share that must pass before every change, on all three runtimes
  --help             this text
`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    workload: { type: "string", default: "" },
    call: { type: "string", default: "0" },
    images: { type: "string", default: "64" },
    runtime: { type: "string", default: "deno" },
    processes: { type: "string", default: String(availableParallelism()) },
    ci: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

/** In the order of execution. The tests already flip every bit, so the run in CI leaves that out. */
const KINDS = ["power cuts", "faults", "promises", "bit rot", "histories", "structure"]
  .filter((kind) => !values.ci || kind !== "bit rot");
/** What the run in CI must reach on all runtimes together. */
const CI_CRASH_STATES = 100_000;
/** Bounds of that run: images for each call, and histories for each process. */
const CI_IMAGES_MAX = 24;
const CI_HISTORIES = 130;
/** One byte in this many rots; the seed decides which ones. */
const ROT_ONE_IN = 4;

const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : number("seed", 0);
const processes = number("processes", 1);
const seconds = number("minutes", 0) * 60;
const chosen = values.ci ? runtimes : runtimes.filter((runtime) => runtime === values.runtime);
if (chosen.length === 0) stop(`Unknown runtime "${values.runtime}": wanted deno, bun or node`);

const options: SimulationOptions = {
  seed,
  seconds: values.ci ? null : seconds,
  imagesMax: values.ci ? CI_IMAGES_MAX : number("images", 1),
  histories: values.ci ? CI_HISTORIES : null,
  rotOneIn: values.ci ? 0 : ROT_ONE_IN,
  only: values.workload,
  call: number("call", 0),
};

const started = performance.now();
const results: Results = {
  startedAt: new Date().toISOString(),
  seconds: 0,
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  processes: chosen.map((runtime) => ({ runtime, count: processes })),
  seed,
  command: commandLine(),
  totals: sumTotals([]),
  timeline: [],
  rows: [],
  failures: [],
};
console.log(`seed ${seed}: ${results.command} runs the same way again, as far as time allows`);
for (const [index, runtime] of chosen.entries()) await runOn(runtime, index);
results.rows = sumRows(results.rows);
results.seconds = (performance.now() - started) / 1000;
finish();

async function runOn(runtime: Runtime, index: number): Promise<void> {
  const bar = new SingleBar({
    format: `${runtime.padEnd(4)} {bar} {percentage}%  {states} crash states  {rate}/s  ` +
      "{damaged} damaged  {faults} faults  {failures} failures",
    barsize: 20,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    fps: 4,
  });
  const begun = performance.now();
  // With fixed bounds the end is not known in advance, so the bar shows progress towards the required minimum.
  const goal = values.ci ? CI_CRASH_STATES / runtimes.length : seconds;
  const payload = (totals: Totals) => {
    const elapsed = (performance.now() - begun) / 1000;
    const { crashStates } = totals;
    const at = Math.min(goal, values.ci ? crashStates : elapsed);
    const rate = Math.round(crashStates / elapsed);
    return [at, { ...shown(totals), rate: rate.toLocaleString("en") }] as const;
  };
  bar.start(goal, ...payload(sumTotals([])));
  const result = await simulate(
    runtime,
    { before: index * processes, own: processes, all: chosen.length * processes },
    options,
    (totals) => {
      bar.update(...payload(totals));
      const seconds = (performance.now() - started) / 1000;
      addSample(results.timeline, seconds, sumTotals([results.totals, totals]));
    },
  );
  bar.update(...payload(result.totals));
  bar.stop();
  results.rows.push(...result.rows);
  results.failures.push(...result.failures);
  results.totals = sumTotals([results.totals, result.totals]);
}

function shown(totals: Totals) {
  const text = (count: number) => count.toLocaleString("en");
  return {
    states: text(totals.crashStates),
    damaged: text(totals.damaged),
    faults: text(totals.faults),
    failures: text(totals.failures),
  };
}

function finish(): void {
  const { totals, failures, rows } = results;
  if (values.ci && totals.crashStates < CI_CRASH_STATES) {
    failures.push({
      kind: "simulation",
      workload: "all",
      message: `Only ${totals.crashStates} crash states were checked: wanted ${CI_CRASH_STATES}`,
      replay: results.command,
    });
  }
  if (totals.crashStates + totals.damaged === 0) {
    failures.push({
      kind: "simulation",
      workload: "all",
      message:
        `Nothing was checked: no exploration has "${values.workload}" in its name, or there was no time`,
      replay: results.command,
    });
  }
  for (const { kind, workload, message, replay } of failures) {
    console.log(
      `\nFAILED ${kind}: ${workload}\n  ${message.replaceAll("\n", "\n  ")}\n  ${replay}`,
    );
  }
  const crashes = rows.filter(({ kind }) => !isDamage(kind));
  table("crash states by exploration", countBy(crashes, "kind"));
  table("crash states by outcome", countBy(crashes, "outcome"));
  table(
    "damaged directories by outcome",
    countBy(rows.filter(({ kind }) => isDamage(kind)), "outcome"),
  );
  const { states, damaged, faults } = shown(totals);
  const missing = KINDS.filter((kind) => !rows.some((row) => row.kind === kind));
  if (values.workload === "" && missing.length > 0) {
    console.log(`\nNot reached in this time: ${missing.join(", ")}`);
  }
  const rate = Math.round(totals.crashStates / results.seconds).toLocaleString("en");
  console.log(
    `\n${states} crash states (${rate}/s), ${damaged} damaged directories, ${faults} faults, ` +
      `${failures.length} failures in ${results.seconds.toFixed(0)} s, seed ${seed}`,
  );
  const folder = join(root, "dist", "simulation");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `simulation-${seed}`);
  writeFileSync(`${path}.json`, JSON.stringify(results, null, 1));
  writeFileSync(`${path}.html`, renderReport(results));
  console.log(`Report: ${relative(root, path)}.html and .json`);
  // Counted for each exploration, as tests are: a hundred thousand states would drown them in the sum of a CI run.
  const explorations = new Set(rows.map(({ kind, workload }) => `${kind}: ${workload}`));
  console.log(
    `\n${Math.max(0, explorations.size - failures.length)} passed, ${failures.length} failed`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

/** The command that gives the same again. How many processes share the histories decides which ones are drawn. */
function commandLine(): string {
  const bounds = values.ci
    ? ["--ci"]
    : ["--runtime", values.runtime, "--minutes", values.minutes, "--images", values.images];
  const some = values.workload === "" ? [] : ["--workload", JSON.stringify(values.workload)];
  const shares = ["--processes", values.processes, "--seed", String(seed)];
  return ["npm run simulate --", ...bounds, ...some, ...shares].join(" ");
}

function table(title: string, counts: [string, number][]): void {
  console.log(`\n${title}`);
  for (const [name, count] of counts) {
    console.log(`  ${name.padEnd(42)}${count.toLocaleString("en").padStart(12)}`);
  }
}

function number(name: "seed" | "minutes" | "processes" | "images" | "call", least: number): number {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < least) {
    stop(`--${name} must be a number from ${least}, got "${values[name]}"`);
  }
  return value;
}

function stop(message: string): never {
  console.log(`${message}\n0 passed, 1 failed`);
  process.exit(64);
}
