// Damages inodes of a state's files on a real ext4, mounted from an image: the state must come up beside them, on every
// runtime, and again once fsck has run.

import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Case, CASES } from "./guest/rotten_cases.ts";
import { binary, root, type Runtime, runtimes } from "../toolchain.ts";

const IMAGE_SIZE = 24 * 1024 * 1024;
const TOOLS = ["mkfs.ext4", "debugfs", "e2fsck"];
const program = join(root, "scripts", "rig", "guest", "rotten_inode.ts");

/** How one runtime fared with one kind of damage. */
export interface RottenInodeRow {
  damage: string;
  runtime: Runtime;
  problem: string | null;
  /** In a few words. */
  detail: string;
}

/** Why this machine can't damage inodes; `null` when it can. */
export function whyNoRottenInodes(): string | null {
  if (process.getuid?.() !== 0) return "images are mounted, which only root can";
  const missing = TOOLS.filter((name) => spawnSync("which", [name]).status !== 0);
  return missing.length === 0 ? null : `${missing.join(", ")} not installed`;
}

/** Tries every kind of damage on every runtime. */
export function checkRottenInodes(onRow: (row: RottenInodeRow) => void): void {
  for (const runtime of runtimes) {
    for (const damage of CASES) {
      let problem: string | null = null;
      try {
        tryCase(damage, runtime);
      } catch (error) {
        problem = (error as Error).message;
      }
      const detail = `${damage.kept} of 6 mutations kept, ${damage.rotten.length} inodes damaged`;
      onRow({ damage: damage.name, runtime, problem, detail });
    }
  }
}

function tryCase(damage: Case, runtime: Runtime): void {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "rig-rotten-"));
  const [image, mount] = [join(folder, "image"), join(folder, "mount")];
  try {
    mkdirSync(mount);
    writeFileSync(image, "");
    truncateSync(image, IMAGE_SIZE);
    tool(["mkfs.ext4", "-q", "-F", image]);
    let files: string[] = [];
    mounted(image, mount, () => {
      run(runtime, "make", mount, damage);
      files = readdirSync(join(mount, "state"));
    });
    for (const end of damage.rotten) {
      const name = files.find((file) => file.endsWith(end));
      // The checksum in the inode: every look at the name fails with EBADMSG from now on.
      tool(["debugfs", "-w", "-R", `set_inode_field /state/${name} checksum 0x1234`, image]);
    }
    mounted(image, mount, () => run(runtime, "beside", mount, damage));
    // 1: everything is mended.
    const { status } = spawnSync("e2fsck", ["-fy", image], { stdio: "ignore" });
    if (status !== 1) throw new Error(`e2fsck ended with ${status}`);
    mounted(image, mount, () => run(runtime, "after", mount, damage));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mounted(image: string, mount: string, work: () => void): void {
  tool(["mount", "-t", "ext4", "-o", "loop", image, mount]);
  try {
    work();
  } finally {
    // Lazily when something still holds it: a mount that stays would keep its image.
    if (spawnSync("umount", [mount]).status !== 0) spawnSync("umount", ["-l", mount]);
  }
}

function run(runtime: Runtime, command: string, mount: string, { name }: Case): void {
  const flags = runtime === "deno" ? ["run", "--quiet", "--allow-all"] : [];
  const args = [...flags, program, command, mount, name];
  const { stdout, stderr } = spawnSync(binary(runtime), args, { encoding: "utf8", cwd: root });
  if (stdout.trim() !== "sound") throw new Error(`${stdout}${stderr}`);
}

/** Runs a program of the system; what it complains about is the error. */
function tool(command: string[]): void {
  execFileSync(command[0]!, command.slice(1), { stdio: "pipe" });
}
