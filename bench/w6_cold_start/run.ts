/**
 * W6: what a program costs that opens a store, commits once, and ends.
 *
 * @module
 */

import { execFile } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inDirectory } from "../support/start_jobs.ts";
import type { Runtime } from "../contenders/contender.ts";
import { BUILT, contenders } from "../contenders/all.ts";
import { binaryOf, FLAGS } from "../support/machine.ts";
import type { Memory } from "../support/memory.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";

/** One start and, of another process that did the same, the peak of its memory in bytes. */
export interface ColdStart {
  runtime: Runtime;
  /** The module's name, or that of one of `PROGRAMS`. */
  contender: string;
  round: number;
  elapsedMs: number;
  peak: number;
  /** Why there are no figures. */
  failure?: string;
}

/** What is started beside the contenders, in words. */
export const PROGRAMS: Record<string, string> = {
  "nothing": "an empty program",
  "line": "the floor: one line, synced",
  "compiled line": "the floor, compiled",
  "compiled": "ministate, compiled",
};

const COMPILED: Record<string, string> = {
  "compiled line": pathOf("append_line.ts"),
  "compiled": pathOf("compiled_ministate.ts"),
};
const TIMEOUT_MS = 60_000;
const run = promisify(execFile);

/** Starts every contender in every round, each on a directory that an earlier start has left. */
export async function measureColdStarts(rounds: number, scope: Scope): Promise<ColdStart[]> {
  const starts: ColdStart[] = [];
  await inDirectory(scope.parent, async (directory) => {
    await build();
    if (scope.runtimes.includes("bun")) await compileAll(directory);
    const failed = new Map<string, string>();
    // The first round makes the files and fills the caches of the runtimes; it doesn't count.
    for (let round = -1; round < rounds; round++) {
      for (const runtime of inTurn(scope.runtimes, round + 1)) {
        progress(`W6, round ${round + 1} of ${rounds}, ${runtime}`);
        for (const contender of inTurn(startersOn(runtime), round + 1)) {
          const own = join(directory, `${runtime}-${contender.replace(/\W/g, "-")}`);
          fs.mkdirSync(own, { recursive: true });
          const failure = failed.get(own);
          const start = failure === undefined
            ? await startCold(commandOf(runtime, contender, own, directory), directory)
            : { elapsedMs: NaN, peak: NaN, failure };
          if (start.failure !== undefined) failed.set(own, start.failure);
          if (round >= 0) starts.push({ runtime, contender, round, ...start });
        }
      }
    }
  });
  return starts;
}

/** The floors of commits have a file of 8 MiB to make and no place here, and Redis's server starts with the machine. */
function startersOn(runtime: Runtime): string[] {
  const embedded = Object.keys(contenders)
    .filter((name) => !/floor|redis/.test(name))
    .filter((name) => contenders[name]!.runtimes.includes(runtime))
    .map((name) => name === "ministate" ? BUILT : name);
  const compiled = runtime === "bun" ? Object.keys(COMPILED) : [];
  return ["nothing", "line", ...compiled, ...embedded];
}

/** Makes the package that is installed, of the sources as they are now. */
async function build(): Promise<void> {
  progress("W6, building the package");
  await run(binaryOf("node"), [pathOf("../../scripts/build.ts")]);
}

/** Only Bun compiles without anything from elsewhere. */
async function compileAll(folder: string): Promise<void> {
  for (const [name, entry] of Object.entries(COMPILED)) {
    progress(`W6, compiling ${name}`);
    const output = `--outfile=${binaryIn(folder, name)}`;
    await run(binaryOf("bun"), [
      ...["build", "--compile", "--minify", "--bytecode", "--format=esm"],
      ...[entry, output],
    ]);
  }
}

function binaryIn(folder: string, name: string): string {
  return join(folder, name.replace(" ", "-"));
}

function commandOf(runtime: Runtime, name: string, directory: string, folder: string): string[] {
  if (name in COMPILED) return [binaryIn(folder, name), directory];
  const start = [binaryOf(runtime), ...FLAGS[runtime]];
  return name === "line"
    ? [...start, pathOf("append_line.ts"), directory]
    : [...start, pathOf("commit_once.ts"), name, directory];
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** Node keeps what it compiled in `folder`; the other two keep it somewhere unasked. */
async function startCold(
  [command, ...args]: string[],
  folder: string,
): Promise<{ elapsedMs: number; peak: number; failure?: string }> {
  try {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, "node-cache") };
    const start = performance.now();
    await run(command!, args, { timeout: TIMEOUT_MS, env });
    const elapsedMs = performance.now() - start;
    const { stdout } = await run(command!, [...args, "peak"], { timeout: TIMEOUT_MS, env });
    const memory: Memory = JSON.parse(stdout);
    return { elapsedMs, peak: memory.peak };
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    const failure = stderr.match(/^\S*Error: .*/m)?.[0] ?? message.split("\n")[0]!;
    return { elapsedMs: NaN, peak: NaN, failure };
  }
}
