/**
 * The pinned runtimes, and on which machine they run.
 *
 * @module
 */

import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import { promisify } from "node:util";
import { type Runtime, RUNTIMES } from "../contenders/contender.ts";

/** What a runtime needs before the name of the file it runs. */
export const FLAGS: Record<Runtime, string[]> = {
  deno: ["run", "--quiet", "--no-check", "--unstable-kv", "-A"],
  bun: [],
  node: [],
};

const FILE_SYSTEMS: Record<number, string> = {
  0xef53: "ext4",
  0x9123683e: "btrfs",
  0x58465342: "xfs",
  0x01021994: "tmpfs",
  0x794c7630: "overlayfs",
  0xf2f52010: "f2fs",
};

const run = promisify(execFile);

/** The pinned binary of a runtime. */
export function binaryOf(runtime: Runtime): string {
  const path = process.env[`MINISTATE_${runtime.toUpperCase()}`];
  if (path) return path;
  throw new Error(`No pinned ${runtime}: start the benchmark with "npm run bench"`);
}

/** The machine, the disk and the runtimes, for later readers of the figures. */
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
