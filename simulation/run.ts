// Runs the processes of one simulation and gathers what they say.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { stdFlags } from "../scripts/std.ts";
import { binary, root, type Runtime } from "../scripts/toolchain.ts";
import { type Failure, type Message, type Row, sumTotals, type Totals } from "./results.ts";

/** What to simulate. */
export interface SimulationOptions {
  seed: number;
  /** How long the process runs, in seconds; `null` for as long as its bounds take. */
  seconds: number | null;
  imagesMax: number;
  /** `null` for as many as there is time for. */
  histories: number | null;
  /** One byte in how many of the recorded directories rots; 0 for none. */
  rotOneIn: number;
  only: string;
  call: number;
}

/** A process that says nothing for this long hangs, and that is a failure. */
const SILENCE_MS_MAX = 120_000;

/** What came of it. */
export interface SimulationResult {
  totals: Totals;
  rows: Row[];
  failures: Failure[];
}

/** The processes of one runtime, among those that share the work. */
export interface Share {
  /** How many have another runtime and come first. */
  before: number;
  own: number;
  all: number;
}

/** Runs the processes of one runtime to their end. */
export async function simulate(
  runtime: Runtime,
  { before, own, all }: Share,
  options: SimulationOptions,
  onTotals: (totals: Totals) => void,
): Promise<SimulationResult> {
  const rows: Row[] = [];
  const failures: Failure[] = [];
  const latest = new Map<number, Totals>();
  const flags = runtime === "deno" ? ["run", "-A", "--no-check", ...await stdFlags()] : [];
  const replay = (kind: string, workload: string, seed: number) =>
    `npm run simulate -- --runtime ${runtime} --seed ${seed} --images ${options.imagesMax} --workload ${
      JSON.stringify(`${kind}: ${workload}`)
    }`;
  const fail = (kind: string, workload: string, message: string, seed: number) =>
    failures.push({ kind, workload, message, replay: replay(kind, workload, seed) });
  const runOne = async (index: number) => {
    let now = "starting";
    let done = false;
    const take = (message: Message) => {
      if (message.says === "rows") {
        rows.push(...message.rows);
        done = true;
      } else if (message.says === "failure") {
        const { kind, workload, seed } = message.failure;
        fail(kind, workload, message.failure.message, seed);
      } else {
        now = message.now;
        latest.set(index, message.totals);
        onTotals(sumTotals(latest.values()));
      }
    };
    const worker = join(root, "simulation", "worker.ts");
    const argument = JSON.stringify({ ...options, index: before + index, processes: all });
    const end = await runWorker(binary(runtime), [...flags, worker, argument], take);
    if (!done) fail("process", now, `process ${index} ${end}, during ${now}`, options.seed);
  };
  await Promise.all(Array.from({ length: own }, (_, index) => runOne(index)));
  const totals = { ...sumTotals(latest.values()), failures: failures.length };
  return { totals, rows, failures };
}

/** Starts a process, passes on what it says, and resolves with how it ended. */
function runWorker(
  command: string,
  args: string[],
  take: (message: Message) => void,
): Promise<string> {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let errors = "";
  let hangs = false;
  const silence = () => {
    hangs = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(silence, SILENCE_MS_MAX);
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  createInterface({ input: child.stdout }).on("line", (line) => {
    clearTimeout(timer);
    timer = setTimeout(silence, SILENCE_MS_MAX);
    if (line.startsWith("{")) take(JSON.parse(line));
    else errors += line + "\n";
  });
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(`cannot start: ${error.message}`));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      const how = hangs
        ? `said nothing for ${SILENCE_MS_MAX / 1000} s`
        : `ended with ${signal ?? code}`;
      resolve(`${how}${errors === "" ? "" : `:\n${errors.trimEnd()}`}`);
    });
  });
}

const children = new Set<ChildProcess>();
process.on("SIGINT", () => {
  for (const child of children) child.kill("SIGKILL");
  process.exit(130);
});
