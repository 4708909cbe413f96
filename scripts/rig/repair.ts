// Repairs an image of a card before it is mounted, as every start of a Debian does with FAT and exFAT.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileSystem } from "./boot_files.ts";

/** Neither asks anything. ext4 and f2fs have their own journals, which the mount replays. */
const COMMANDS: Partial<Record<FileSystem, string[]>> = {
  vfat: ["fsck.vfat", "-a", "-w"],
  exfat: ["fsck.exfat", "-p"],
};
/** What fsck ends with when it found nothing, and when it repaired everything. */
const REPAIRED = [0, 1];

/** An image after its repair; `refused` says why there is none. */
export async function repaired(
  image: Uint8Array,
  fileSystem: FileSystem,
): Promise<{ bytes: Uint8Array; refused: string | null }> {
  const command = COMMANDS[fileSystem];
  if (command === undefined) return { bytes: image, refused: null };
  // In memory where there is such a folder: many images would wear out a disk.
  const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "rig-"));
  try {
    const path = join(folder, "card.img");
    await writeFile(path, image);
    const { code, output } = await run([...command, path]);
    const refused = REPAIRED.includes(code) ? null : `${command[0]} ended with ${code}: ${output}`;
    return { bytes: await readFile(path), refused };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run([program, ...args]: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => output += text);
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, output: output.trim() }));
  });
}
