/**
 * The three runtimes as child processes.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

/** The runtimes the demo alternates between. */
export const RUNTIMES = ["deno", "bun", "node"] as const;
/** One of the runtimes. */
export type Runtime = (typeof RUNTIMES)[number];

// Deno asks for every permission before a program may read /proc.
const FLAGS: Record<Runtime, string[]> = { deno: ["run", "--quiet", "-A"], bun: [], node: [] };

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a program on a runtime, its output to be read by this process. */
export function start(runtime: Runtime, file: string, args: string[]): ChildProcess {
  const binary = process.env[`MINISTATE_${runtime.toUpperCase()}`]!;
  return track(spawn(binary, [...FLAGS[runtime], file, ...args], { stdio: STDIO }));
}

const STDIO: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];

function track(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

/** Runs a program to its end and returns what it printed; `null` when there is no such program. */
export function output(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let text = "";
    let errors = "";
    child.stdout!.setEncoding("utf8").on("data", (part: string) => text += part);
    child.stderr!.setEncoding("utf8").on("data", (part: string) => errors += part);
    child.once("error", (error) => {
      if ((error as { code?: string }).code === "ENOENT") resolve(null);
      else reject(error);
    });
    child.once("close", (code, signal) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${child.spawnfile} ended with ${signal ?? code}:\n${errors || text}`));
    });
  });
}

/** Runs a program that need not be there. */
export function runProgram(name: string, args: string[]): Promise<string | null> {
  return output(track(spawn(name, args, { stdio: STDIO })));
}
