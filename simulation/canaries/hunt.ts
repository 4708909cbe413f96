// Runs the simulation in a folder until it finds the first failure.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Message } from "../results.ts";
import type { SimulationOptions } from "../run.ts";
import { binary } from "../../scripts/toolchain.ts";

/** The share of one process. */
export type Share = SimulationOptions & { index: number; processes: number };

/** What a simulation came to. */
export interface Catch {
  /** `caught`: it found a failure. `survived`: it did not. `broken`: it could not run or explored nothing. */
  verdict: "caught" | "survived" | "broken";
  /** The exploration that failed, or that was under way; empty when there was none. */
  exploration: string;
  /** What it said. */
  message: string;
  /** How many crash states, damaged directories and faults it had looked at. */
  looked: number;
}

/** A process that says nothing for this long hangs. */
const SILENCE_MS_MAX = 90_000;

/** A build that fails in these ways doesn't work at all: its patch is wrong. */
const NOT_A_PROGRAM = /is not defined|is not a function|SyntaxError|ReferenceError|TypeError/;

/** Runs a share of the simulation of the sources in `folder`. */
export function hunt(folder: string, share: Share): Promise<Catch> {
  const worker = join(folder, "simulation", "worker.ts");
  const child = spawn(binary("bun"), [worker, JSON.stringify(share)], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const found: Catch = { verdict: "broken", exploration: "starting", message: "", looked: 0 };
  let errors = "";
  const silence = () => {
    errors += `it said nothing for ${SILENCE_MS_MAX / 1000} s\n`;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(silence, SILENCE_MS_MAX);
  const take = (message: Message) => {
    if (found.verdict !== "broken" || found.message !== "") return;
    if (message.says === "totals") {
      const { crashStates, damaged, faults } = message.totals;
      found.exploration = message.now;
      found.looked = crashStates + damaged + faults;
    } else if (message.says === "rows") {
      // It passed, but that says nothing when it explored nothing: a name may be misspelled.
      if (found.exploration !== "") found.verdict = "survived";
      else found.message = `no exploration has "${share.only}" in its name`;
    } else {
      const { kind, workload, message: said } = message.failure;
      found.verdict = NOT_A_PROGRAM.test(said.split("\n")[0]!) ? "broken" : "caught";
      found.exploration = `${kind}: ${workload}`;
      found.message = said;
      // The first failure is enough.
      child.kill("SIGKILL");
    }
  };
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  createInterface({ input: child.stdout }).on("line", (line) => {
    clearTimeout(timer);
    timer = setTimeout(silence, SILENCE_MS_MAX);
    if (line.startsWith("{")) take(JSON.parse(line));
    else errors += `${line}\n`;
  });
  return new Promise((resolve) => {
    child.on("error", (error) => errors += `cannot start: ${error.message}\n`);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (found.verdict === "broken" && found.message === "") {
        found.message = `it ended with ${signal ?? code}: ${errors.trim()}`;
      }
      resolve(found);
    });
  });
}
