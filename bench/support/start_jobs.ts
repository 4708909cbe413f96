/**
 * Starts the processes that do the work, each fresh and in its own directory.
 *
 * @module
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Arguments, Figures, Job } from "./job.ts";
import type { Manner } from "../w1_w2_commits/callers.ts";
import type { Greeting, Slice } from "../w1_w2_commits/measure.ts";
import type { Runtime } from "../contenders/contender.ts";
import { binaryOf, FLAGS } from "./machine.ts";

const CHILD = fileURLToPath(new URL("job.ts", import.meta.url));
/** For the longest job: ten million commits on a slow disk. */
const TIMEOUT_MS = 600_000;
/** For the longest answer: a whole group of callers on a slow disk. */
const ANSWER_MS = 60_000;
const run = promisify(execFile);

/** Has a job done and returns its figures. */
export async function contend<J extends Job>(
  runtime: Runtime,
  job: J,
  ...args: Arguments<J>
): Promise<Figures<J>> {
  const [command, ...rest] = childCommand(runtime, job, ...args);
  const { stdout } = await run(command!, rest, { timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
  return JSON.parse(stdout);
}

/** The command line that has a job done. */
export function childCommand<J extends Job>(
  runtime: Runtime,
  job: J,
  ...args: Arguments<J>
): string[] {
  return [binaryOf(runtime), ...FLAGS[runtime], CHILD, job, JSON.stringify(args)];
}

/** A contender that works in slices, when it is asked to. */
export interface Turns {
  /** Resolves once it is open; rejects with the reason when it can't be. */
  ready(): Promise<void>;
  /** Lets it work for `durationMs` and returns what it did. */
  turn(durationMs: number): Promise<Slice>;
  /** Lets it end. */
  end(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a contender for commits, which opens and then waits for its first turn. */
export function takeTurns(
  runtime: Runtime,
  module: string,
  directory: string,
  manner: Manner,
): Turns {
  const [command, ...args] = childCommand(runtime, "slices", module, directory, manner);
  const child = spawn(command!, args, { stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  let complaint = "";
  child.stderr.on("data", (text) => complaint += text);
  // Writing to a child that has just died fails too; its exit shows the reason.
  child.stdin.on("error", () => {});
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const timer = setTimeout(() => child.kill("SIGKILL"), ANSWER_MS);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (!done) return JSON.parse(value);
    await ended;
    const { signalCode, exitCode } = child;
    const how = signalCode ?? `exit code ${exitCode}`;
    throw new Error(`it ended with ${how}${complaint && `: ${complaint.trim().split("\n")[0]}`}`);
  };
  return {
    async ready() {
      const greeting: Greeting = await answer();
      if ("unavailable" in greeting) throw new Error(greeting.unavailable);
    },
    async turn(durationMs) {
      child.stdin.write(`${durationMs}\n`);
      return await answer();
    },
    async end() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), ANSWER_MS);
      await ended;
      clearTimeout(timer);
      running.delete(child);
    },
  };
}

/** Gives `use` an empty directory below `parent` and removes it afterwards. */
export async function inDirectory<T>(
  parent: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = fs.mkdtempSync(join(parent, "run-"));
  try {
    return await use(path);
  } finally {
    fs.rmSync(path, { recursive: true, force: true });
  }
}
