// Names the pinned binaries for the scripts that run them, and runs a program with its output kept.

import { spawn } from "node:child_process";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The runtimes every test must pass on. */
export const runtimes = ["deno", "bun", "node"] as const;
/** One of the runtimes. */
export type Runtime = (typeof runtimes)[number];

/** The top folder of the checkout. */
export const root: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** How a program ended and what it wrote, standard error in place. */
export interface Outcome {
  ok: boolean;
  output: string;
  /** Why it isn't ok, in a few words; empty if it is. */
  reason: string;
  seconds: number;
}

/** Returns the absolute path of a pinned binary. */
export function binary(runtime: Runtime): string {
  const path = process.env[`MINISTATE_${runtime.toUpperCase()}`];
  if (path) return path;
  throw new Error(`No pinned ${runtime}: start this script with "npm test" or "npm run check"`);
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** How long the whole run may take, in milliseconds. */
  timeoutMs?: number;
  /** How long it may print nothing, in milliseconds, however long it takes: a busy machine is no failure. */
  silentMs?: number;
}

/** Runs a program to its end, or kills it with all its children when the time is over. */
export function run(
  command: string,
  args: string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const started = performance.now();
  const { silentMs } = options;
  const limitMs = silentMs ?? options.timeoutMs ?? 300_000;
  const cwd = options.cwd ?? root;
  const env = { ...process.env, NO_COLOR: "1", ...options.env };
  return new Promise((resolve) => {
    // A separate group: a test that hangs leaves children, and they must end with it.
    const child = spawn(command, args, { cwd, env, detached: true, stdio: "pipe" });
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, limitMs);
    const end = (ok: boolean, reason: string) => {
      clearTimeout(timer);
      interrupted.delete(stop);
      resolve({ ok, output, reason, seconds: (performance.now() - started) / 1000 });
    };
    const stop = () => child.pid !== undefined && process.kill(-child.pid, "SIGKILL");
    interrupted.add(stop);
    child.stdin.end();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (silentMs !== undefined) timer.refresh();
      });
    }
    child.on("error", (error) => end(false, `cannot start: ${error.message}`));
    child.on("close", (code, signal) => {
      const what = silentMs === undefined ? "still running" : "nothing more was printed";
      if (timedOut) end(false, `${what} after ${limitMs / 1000} s`);
      else end(code === 0, code === 0 ? "" : `ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

// A detached group doesn't see the terminal's interrupt: it is passed on.
const interrupted = new Set<() => void>();
process.on("SIGINT", () => {
  for (const stop of interrupted) stop();
  process.exit(130);
});
