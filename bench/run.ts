/**
 * The benchmark: ministate beside the bare disk and beside its peers. docs/performance.md explains the method.
 * Started by `npm run bench` or `deno task bench`; `-- --quick` shows in a few minutes that everything works.
 *
 * @module
 */

import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeCharts } from "./charts.ts";
import { measureColdStarts } from "./w6_cold_start/run.ts";
import { compete, type Field, manyCallers, oneCaller, sharingSyncs } from "./w1_w2_commits/run.ts";
import { FEW_KEYS, KEY_COUNT } from "./support/workload.ts";
import { measuredOn, type Runtime, RUNTIMES } from "./contenders/contender.ts";
import { measureDelays, whySyncsStay } from "./w7_event_loop/run.ts";
import { measureLargeStates } from "./w4_large_state/run.ts";
import { describeMachine } from "./support/machine.ts";
import { measureLogs, measureOpenings } from "./w3_opening/run.ts";
import { installPeers } from "./contenders/peers/install.ts";
import { measureReading } from "./w8_reads/run.ts";
import { measureDrafting } from "./w9_drafts/run.ts";
import { type Collected, report, reportDurability } from "./report.ts";
import { progress, type Scope } from "./support/scope.ts";
import { measureSoaks } from "./soak/run.ts";
import { together } from "./together.ts";
import { measureTraffic } from "./w5_traffic/run.ts";

const WORKLOADS = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9", "soak"];
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    /** Some workloads: `--only W1,W2`. */
    only: { type: "string", default: WORKLOADS.join() },
    /** Some runtimes: `--runtime bun`. */
    runtime: { type: "string", default: RUNTIMES.join() },
    /** Where the files go: on the disk to be measured. */
    dir: { type: "string", default: fileURLToPath(new URL("work", import.meta.url)) },
    /** Measures nothing, but prints and draws what earlier runs on the same machine kept: `--from A,B,C`. */
    from: { type: "string" },
  },
});
const results = fileURLToPath(new URL("results", import.meta.url));
const documents = fileURLToPath(new URL("../docs", import.meta.url));

show(options.from === undefined ? await measure() : together(options.from.split(",").map(read)));

async function measure(): Promise<Collected> {
  const only = chosen("only", WORKLOADS, options.only);
  const runtimes = chosen("runtime", RUNTIMES, options.runtime) as Runtime[];
  const { quick } = options;
  fs.mkdirSync(options.dir, { recursive: true });
  const parent = fs.mkdtempSync(join(options.dir, "bench-"));
  process.on("exit", () => fs.rmSync(parent, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  const machine = await describeMachine(parent);
  showMachine(machine);

  const scope: Scope = { runtimes, parent, quick };
  const rounds = quick ? 1 : 3;
  const needsPeers = ["W1", "W2", "W3", "W5", "W6", "W7"].some((workload) =>
    only.includes(workload)
  );
  const problem = needsPeers ? installPeers() : "";
  if (problem !== "") console.log(`${problem}\nSome contenders will not be there.`);
  const collected: Collected = {
    machine,
    quick,
    competitions: [],
    openings: [],
    logs: [],
    largeStates: [],
    traffic: [],
    coldStarts: [],
    delays: [],
    reads: [],
    drafts: [],
    soaks: [],
  };
  const hold = async (name: string, title: string, field: Field) => {
    const { callers, keys } = field[0]!;
    // One caller makes a few thousand commits a second, and JIT compilers need as many to warm up.
    const warmUpMs = callers === 1 ? 2000 : 500;
    const slices = quick
      ? { warmUpMs: 100, sliceMs: 50, turns: 4, turnsPerRound: 2 }
      : { warmUpMs, sliceMs: 50, turns: 20, turnsPerRound: 5 };
    const entries = await compete(`${name}, ${title}`, field, slices, quick ? 1 : 3, scope);
    collected.competitions.push({ name, title, callers, keys, entries });
  };
  if (only.includes("W1")) await hold("W1", "one caller", oneCaller(FEW_KEYS));
  if (only.includes("W2")) {
    const large = (callers: number) => sharingSyncs(manyCallers(callers, KEY_COUNT));
    await hold("W2", "64 callers, 100 keys", manyCallers(64, FEW_KEYS));
    await hold("W2", "64 callers, 10,000 keys", large(64));
    await hold("W2", "1,024 callers, 100 keys", sharingSyncs(manyCallers(1024, FEW_KEYS)));
    await hold("W2", "1,024 callers, 10,000 keys", large(1024));
  }
  if (only.includes("W3")) {
    collected.openings = await measureOpenings(rounds, scope);
    collected.logs = await measureLogs(rounds, scope);
  }
  if (only.includes("W4")) collected.largeStates = await measureLargeStates(rounds, scope);
  if (only.includes("W5")) {
    collected.traffic = await measureTraffic(quick ? 500 : 1000, rounds, scope);
  }
  if (only.includes("W6")) collected.coldStarts = await measureColdStarts(quick ? 1 : 10, scope);
  if (only.includes("W7")) {
    const missing = whySyncsStay();
    if (missing !== "") console.log(missing);
    else collected.delays = await measureDelays(rounds, scope);
  }
  if (only.includes("W8")) collected.reads = await measureReading(rounds, scope);
  if (only.includes("W9")) collected.drafts = await measureDrafting(rounds, scope);
  if (only.includes("soak")) collected.soaks = await measureSoaks(scope);
  progress("");
  keep(collected);
  return collected;
}

function read(path: string): Collected {
  return JSON.parse(fs.readFileSync(path, "utf8"));
}

function chosen(option: string, all: readonly string[], text: string): string[] {
  const names = text.split(",");
  const unknown = names.find((name) => !all.includes(name));
  if (unknown === undefined) return names;
  console.error(`--${option} wants some of ${all.join()}, got "${unknown}"`);
  process.exit(64);
}

function showMachine(machine: Record<string, string>): void {
  for (const [name, value] of Object.entries(machine)) console.log(`${name.padEnd(12)} ${value}`);
  if (machine["file system"] === "tmpfs") {
    console.log(
      "This is memory, not a disk: syncs cost nothing here. Give --dir a folder on a disk.",
    );
  }
  console.log();
}

function show(collected: Collected): void {
  if (options.from !== undefined) showMachine(collected.machine);
  console.log(report(collected));
  if (collected.competitions.length > 0) console.log(reportDurability());
  // What is drawn for the documents should have been measured properly.
  const { quick, competitions, soaks } = collected;
  const isWhole = (runs: { runtime: Runtime }[]) =>
    runs.length === 0 || measuredOn(runs).length === RUNTIMES.length;
  const proper = !quick && competitions.every(({ entries }) => isWhole(entries)) && isWhole(soaks);
  const paths = writeCharts(collected, proper ? documents : results);
  for (const path of paths) console.log(`Drawn: ${path}`);
}

/** Every single figure, so that a later reader can reckon differently. */
function keep(collected: Collected): void {
  fs.mkdirSync(results, { recursive: true });
  const path = join(results, `${new Date().toISOString().replace(/[:.]/g, "-")}.json`);
  fs.writeFileSync(path, JSON.stringify(collected) + "\n");
  console.log(`\nTook ${Math.round(performance.now() / 1000)} s. Every figure: ${path}\n`);
}
