/**
 * W7: how long a server that commits on every request blocks its event loop, on artificially slow disks.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { Agent, get } from "node:http";
import { createInterface } from "node:readline";
import { childCommand, inDirectory } from "../support/start_jobs.ts";
import type { Runtime } from "../contenders/contender.ts";
import { contenders } from "../contenders/all.ts";
import { inTurn, progress, type Scope } from "../support/scope.ts";
import type { Delay, Listening } from "./measure.ts";

/** The figures of one server, with syncs that take `syncMs` longer than those of the disk. */
export interface DelayRun extends Delay {
  runtime: Runtime;
  contender: string;
  syncMs: number;
  /** Why there are no figures. */
  failure?: string;
}

/** Requests that wait at the same time. */
const CLIENTS = 16;
const SYNCS_MS = [0, 5, 20];
/** Those that commit one by one and would take minutes, or have their own server. */
const LEFT_OUT = new Set(["floor", "peers/redis"]);
const SERVER_MS_MAX = 60_000;

/** Serves with every contender and every disk on each runtime; says why not when there is nothing to slow syncs down with. */
export async function measureDelays(rounds: number, scope: Scope): Promise<DelayRun[]> {
  const delays: DelayRun[] = [];
  const durationMs = scope.quick ? 1000 : 1500;
  const names = ["nothing", ...Object.keys(contenders).filter((name) => !LEFT_OUT.has(name))];
  for (let round = 0; round < rounds; round++) {
    for (const runtime of inTurn(scope.runtimes, round)) {
      for (const syncMs of SYNCS_MS) {
        for (const contender of inTurn(names, round)) {
          const { runtimes } = contenders[contender] ?? { runtimes: [runtime] };
          // Who commits nothing waits for no disk.
          if (!runtimes.includes(runtime) || contender === "nothing" && syncMs > 0) continue;
          progress(`W7, round ${round + 1} of ${rounds}, ${runtime}, ${syncMs} ms: ${contender}`);
          const delay = await inDirectory(
            scope.parent,
            (directory) => serve(runtime, contender, directory, durationMs, syncMs),
          );
          delays.push({ runtime, contender, syncMs, ...delay });
        }
      }
    }
  }
  return delays;
}

async function serve(
  runtime: Runtime,
  contender: string,
  directory: string,
  durationMs: number,
  syncMs: number,
): Promise<Delay & { failure?: string }> {
  const own = childCommand(runtime, "serve", contender, directory, durationMs);
  const [command, ...args] = syncMs > 0 ? [...slowing(syncMs), ...own] : own;
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), SERVER_MS_MAX);
  let complaint = "";
  child.stderr.on("data", (text) => complaint += text);
  child.on("error", (error) => complaint += error.message);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  let delay: Delay | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const words: Listening | Delay = JSON.parse(line);
    if ("port" in words) { for (let i = 0; i < CLIENTS; i++) ask(child, agent, words.port); }
    else delay = words;
  }
  clearTimeout(timer);
  agent.destroy();
  const failure = complaint.match(/^\S*Error: .*/m)?.[0] ?? complaint.trim().split("\n")[0]!;
  return delay ?? { p50: NaN, p99: NaN, max: NaN, requests: 0, failure };
}

/** Asks again and again, until the server has ended. */
function ask(child: ChildProcess, agent: Agent, port: number): void {
  const again = () => child.exitCode === null && ask(child, agent, port);
  const request = get({ agent, port, host: "127.0.0.1" }, (response) => {
    response.resume().on("end", again).on("error", () => {});
  });
  request.on("error", () => {});
}

/** Makes each sync of a program return so much later, whichever thread it is on. */
function slowing(syncMs: number): string[] {
  const calls = "fsync,fdatasync,msync,sync_file_range";
  const delay = `inject=fsync,fdatasync:delay_exit=${syncMs * 1000}`;
  return [
    "strace",
    "-f",
    "-qqq",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    `trace=${calls}`,
    "-e",
    delay,
  ];
}

/** Whether syncs can be made slow here; says what is missing. */
export function whySyncsStay(): string {
  try {
    execFileSync("strace", ["-V"], { stdio: "ignore" });
    return "";
  } catch {
    return "W7 needs strace (Debian's package of that name) to make syncs slow.";
  }
}
