// Fills real file systems, mounted from images, on every runtime: a full disk or quota must refuse, never poison; a
// program killed there must open on the full disk, with everything acknowledged.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { BALLAST } from "./guest/checks.ts";
import { binary, root, type Runtime, runtimes } from "../toolchain.ts";

const MIB = 1024 * 1024;
const program = join(root, "scripts", "rig", "guest", "full_disk.ts");

/** A file system, or a limit in one. */
interface Disk {
  name: string;
  type: string;
  size: number;
  /** The program that makes one in an image, and its arguments; `null` when it needs no image. */
  make: string[] | null;
  /** Other programs that are needed. */
  programs?: string[];
  /** Sets the limit and returns the folder that has it. */
  limit?: (mount: string) => string;
  /** Whether the state's files share their blocks with a copy, so that overwriting takes space. */
  shared?: boolean;
  /** What the refusals must have been caused by. */
  systemCode: "ENOSPC" | "EDQUOT";
}

const EXT4 = ["mkfs.ext4", "-q", "-F", "-m", "0"];
/** What is free for a program, in each of them about the same. */
const LIMIT_SIZE = 16 * MIB;

const DISKS: readonly Disk[] = [
  { name: "tmpfs", type: "tmpfs", size: LIMIT_SIZE, make: null, systemCode: "ENOSPC" },
  { name: "ext4", type: "ext4", size: 24 * MIB, make: EXT4, systemCode: "ENOSPC" },
  { name: "XFS", type: "xfs", size: 300 * MIB, make: ["mkfs.xfs", "-q"], systemCode: "ENOSPC" },
  {
    name: "XFS beside a copy that shares its blocks",
    type: "xfs",
    size: 300 * MIB,
    make: ["mkfs.xfs", "-q", "-m", "reflink=1"],
    shared: true,
    systemCode: "ENOSPC",
  },
  {
    name: "btrfs",
    type: "btrfs",
    size: 120 * MIB,
    make: ["mkfs.btrfs", "-q"],
    systemCode: "ENOSPC",
  },
  {
    name: "btrfs with a quota",
    type: "btrfs",
    size: 120 * MIB,
    make: ["mkfs.btrfs", "-q"],
    programs: ["btrfs"],
    limit: (mount) => {
      const folder = join(mount, "limited");
      tool(["btrfs", "quota", "enable", mount]);
      tool(["btrfs", "subvolume", "create", folder]);
      tool(["btrfs", "qgroup", "limit", `${LIMIT_SIZE}`, folder]);
      return folder;
    },
    systemCode: "EDQUOT",
  },
];

/** How one runtime fared on one file system. */
export interface FullDiskRow {
  disk: string;
  runtime: Runtime;
  problem: string | null;
  /** In a few words. */
  detail: string;
}

/** Fills every file system that this machine can mount. */
export async function checkFullDisks(
  onRow: (row: FullDiskRow) => void,
  onLeftOut: (disk: string, reason: string) => void,
): Promise<void> {
  for (const disk of DISKS) {
    const reason = whyLeftOut(disk);
    if (reason !== null) {
      onLeftOut(disk.name, reason);
      continue;
    }
    // Each has its own file system, and waits for it most of the time.
    await Promise.all(runtimes.map(async (runtime) => onRow(await checkDisk(disk, runtime))));
  }
}

function whyLeftOut({ type, make, programs = [] }: Disk): string | null {
  if (process.getuid?.() !== 0) return "images are mounted, which only root can";
  // It may be a kernel module that nothing has needed so far.
  spawnSync("modprobe", [type]);
  const isSupported = readFileSync("/proc/filesystems", "utf8").split(/\s/).includes(type);
  if (!isSupported) return "this machine's kernel doesn't have it";
  const missing = [...(make?.slice(0, 1) ?? []), ...programs]
    .filter((name) => spawnSync("which", [name]).status !== 0);
  return missing.length === 0 ? null : `${missing.join(", ")} not installed`;
}

async function checkDisk(disk: Disk, runtime: Runtime): Promise<FullDiskRow> {
  const row = { disk: disk.name, runtime };
  // In memory where there is such a folder: what is tried is the file system, not this machine's disk.
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "rig-full-"));
  const mount = join(folder, "mount");
  try {
    mkdirSync(mount);
    mountDisk(disk, join(folder, "image"), mount);
    const limited = disk.limit?.(mount) ?? mount;
    return { ...row, ...await fillAndCheck(disk, runtime, limited) };
  } catch (error) {
    return { ...row, problem: (error as Error).message, detail: "" };
  } finally {
    unmount(mount);
    rmSync(folder, { recursive: true });
  }
}

function mountDisk({ type, size, make }: Disk, image: string, mount: string): void {
  if (make === null) tool(["mount", "-t", type, "-o", `size=${size}`, "none", mount]);
  else {
    writeFileSync(image, "");
    truncateSync(image, size);
    tool([...make, image]);
    tool(["mount", "-t", type, "-o", "loop", image, mount]);
  }
  mounted.add(mount);
  const free = Number(tool(["stat", "-f", "-c", "%a", mount])) *
    Number(tool(["stat", "-f", "-c", "%S", mount]));
  const spare = Math.floor(free - 1.5 * LIMIT_SIZE);
  // Taken once, without writing it: otherwise most of the time would go into filling the disk.
  if (spare > 0) tool(["fallocate", "-l", `${spare}`, join(mount, "spare")]);
}

async function fillAndCheck(
  disk: Disk,
  runtime: Runtime,
  folder: string,
): Promise<{ problem: string | null; detail: string }> {
  const flags = runtime === "deno" ? ["run", "--quiet", "--allow-all"] : [];
  const said: Said = { acknowledged: 0, sent: 0, refusals: new Map(), torn: 0, problem: null };
  for (const phase of PHASES) {
    if (disk.shared && phase !== "fill") shareBlocks(folder);
    const args = [phase, folder, said.acknowledged, said.sent].map(String);
    await runPhase([binary(runtime), ...flags, program, ...args], phase, said);
    if (said.problem !== null) return { problem: `${phase}: ${said.problem}`, detail: "" };
  }
  const { acknowledged, refusals, torn } = said;
  const codes = [...refusals.keys()].join();
  const problem = codes === disk.systemCode
    ? null
    : `refused with ${codes}, not ${disk.systemCode}`;
  const detail = `${acknowledged} acknowledged, ${refusals.get(disk.systemCode)} times refused ` +
    `with ${codes}, killed ${KILLS} times, torn tails: ${torn}`;
  return { problem, detail };
}

/** The copy takes a little space; the next program fills the disk again before it opens. */
function shareBlocks(folder: string): void {
  const copy = join(folder, "copy");
  for (const path of [copy, join(folder, BALLAST)]) rmSync(path, { recursive: true, force: true });
  tool(["cp", "-r", "--reflink=always", join(folder, "state"), copy]);
}

/** Each but the last ends with a kill in mid-write; each but the first opens on the full disk that was left. */
const PHASES = ["fill", "edge", "edge", "check"] as const;
type Phase = typeof PHASES[number];
const KILLS = PHASES.length - 1;

/** What a program said, over all its lives. */
interface Said {
  acknowledged: number;
  /** The last sequence that may be there. */
  sent: number;
  /** How many refusals each error of the operating system caused. */
  refusals: Map<string, number>;
  /** How many torn tails were found. */
  torn: number;
  problem: string | null;
}

const RUN_MS_MAX = 60_000;
/** So often something is sent at the edge before the kill, which comes up to some milliseconds later. */
const EDGE_SENDS = 40;
const KILL_DELAY_MS_MAX = 4;

/** Runs the program to its end, or kills it while it works at the edge of the disk. */
async function runPhase(command: string[], phase: Phase, said: Said): Promise<void> {
  said.problem = "it was too slow";
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const kill = () => child.kill("SIGKILL");
  const timer = setTimeout(kill, RUN_MS_MAX);
  let left = Infinity;
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  createInterface({ input: child.stdout }).on("line", (line) => {
    hear(said, line);
    if (line === (phase === "check" ? "sound" : "edge")) {
      said.problem = null;
      left = EDGE_SENDS;
    }
    if (!line.startsWith("send ") || left-- !== 1) return;
    setTimeout(kill, Math.random() * KILL_DELAY_MS_MAX);
  });
  const ended = await new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(`cannot start: ${error.message}`));
    child.on("close", (code, signal) => resolve(signal ?? `ended with ${code}`));
  });
  clearTimeout(timer);
  running.delete(child);
  if (ended !== (phase === "check" ? "ended with 0" : "SIGKILL")) said.problem ??= ended;
  if (said.problem !== null) said.problem += ` ${errors}`;
}

function hear(said: Said, line: string): void {
  const [word, rest = ""] = line.split(/ (.*)/);
  if (word === "send") said.sent = Number(rest);
  else if (word === "ack") said.acknowledged = Number(rest);
  else if (word === "refused") {
    // What was refused must not be there, not even after a kill.
    said.sent = said.acknowledged;
    said.refusals.set(rest, (said.refusals.get(rest) ?? 0) + 1);
  } else if (word === "found") {
    const [sequence, end] = rest.split(" ");
    // What was seen once must stay.
    said.acknowledged = Number(sequence);
    said.torn += end === "torn" ? 1 : 0;
  } else if (word === "problem") said.problem = JSON.parse(rest);
}

/** Runs a program of the system and returns what it printed; what it complains about is the error. */
function tool(command: string[]): string {
  return execFileSync(command[0]!, command.slice(1), { encoding: "utf8", stdio: "pipe" }).trim();
}

const mounted = new Set<string>();
const running = new Set<ChildProcess>();

function unmount(mount: string): void {
  if (!mounted.delete(mount)) return;
  // Lazily when something still holds it: a mount that stays would keep its image.
  if (spawnSync("umount", [mount]).status !== 0) spawnSync("umount", ["-l", mount]);
}

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const mount of mounted) {
    unmount(mount);
    rmSync(join(mount, ".."), { recursive: true, force: true });
  }
});
