/**
 * Runs contenders, each in a fresh process and a directory of its own, and tells on which machine.
 *
 * @module
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Slice } from "./commits.ts";
import type { Arguments, Contender, Figures } from "./contender.ts";

/** The runtimes that are compared with themselves. */
export const RUNTIMES = ["deno", "bun", "node"] as const;
/** One of the runtimes. */
export type Runtime = (typeof RUNTIMES)[number];

const FLAGS: Record<Runtime, string[]> = {
  deno: ["run", "--quiet", "--no-check", "-A"],
  bun: [],
  node: [],
};
const CONTENDER = fileURLToPath(new URL("contender.ts", import.meta.url));
const TIMEOUT_MS = 180_000;
const run = promisify(execFile);

/** The pinned binary of a runtime. */
export function binaryOf(runtime: Runtime): string {
  const path = process.env[`MINISTATE_${runtime.toUpperCase()}`];
  if (path) return path;
  throw new Error(`No pinned ${runtime}: start the benchmark with "npm run bench"`);
}

/** Runs one contender and returns its figures. */
export async function contend<C extends Contender>(
  runtime: Runtime,
  name: C,
  ...args: Arguments<C>
): Promise<Figures<C>> {
  const { stdout } = await run(
    binaryOf(runtime),
    [...FLAGS[runtime], CONTENDER, name, JSON.stringify(args)],
    { timeout: TIMEOUT_MS, killSignal: "SIGKILL" },
  );
  return JSON.parse(stdout);
}

/** A contender that works in slices, when it is asked to. */
export interface Turns {
  /** Lets it work for so long and returns what it did. */
  turn(durationMs: number): Promise<Slice>;
  /** Lets it end. */
  end(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a contender for commits, which waits for its first turn. */
export function takeTurns(runtime: Runtime, directory: string, callers: number): Turns {
  const args: Arguments<"commits"> = [directory, callers];
  const child = spawn(
    binaryOf(runtime),
    [...FLAGS[runtime], CONTENDER, "commits", JSON.stringify(args)],
    { stdio: ["pipe", "pipe", "inherit"], timeout: TIMEOUT_MS, killSignal: "SIGKILL" },
  );
  running.add(child);
  const ended = new Promise((resolve) => child.once("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async turn(durationMs) {
      child.stdin.write(`${durationMs}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`The contender on ${runtime} ended too early`);
      return JSON.parse(value);
    },
    async end() {
      child.stdin.end();
      await ended;
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

const FILE_SYSTEMS: Record<number, string> = {
  0xef53: "ext4",
  0x9123683e: "btrfs",
  0x58465342: "xfs",
  0x01021994: "tmpfs",
  0x794c7630: "overlayfs",
  0xf2f52010: "f2fs",
};

/** The machine, the disk and the runtimes, for whoever reads the figures later. */
export async function describeMachine(directory: string): Promise<Record<string, string>> {
  const type = fs.statfsSync(directory).type;
  const versions = await Promise.all(RUNTIMES.map(async (runtime) => {
    const { stdout } = await run(binaryOf(runtime), ["--version"]);
    return `${runtime} ${/\d+\.\d+\.\d+/.exec(stdout)?.[0]}`;
  }));
  const cpus = os.cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus.length} x ${cpus[0]?.model.trim() ?? "unknown"} (${os.arch()})`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    system: `${os.type()} ${os.release()}`,
    "file system": FILE_SYSTEMS[type] ?? `type 0x${type.toString(16)}`,
    "load before": os.loadavg()[0]!.toFixed(2),
    runtimes: versions.join(", "),
  };
}
