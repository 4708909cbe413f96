// Checks one card after the other on the board itself, for file systems that the machine outside can't mount.
//
// The rig says `FILESYSTEM OPTIONS SUBJECT DIRECTORY …`; the answer is one line of JSON: what was found in each directory, or why
// the card could not be mounted.

import { spawnSync } from "node:child_process";
import { hear, openLine, say } from "./said.ts";
import type { Found } from "./subject.ts";
import { SUBJECTS } from "./subjects.ts";

const CARD = "/dev/rig-data";
const FOLDER = "/data";

/** What is answered. */
export interface Judgement {
  found: Found[];
  /** Why the card could not be mounted, or `null`. */
  refused: string | null;
}

/** Answers requests until the power goes. */
export async function judge(): Promise<void> {
  openLine();
  say("ready");
  for (;;) {
    const [fileSystem, options, subject, ...directories] = hear().split(" ");
    const judgement = await look(fileSystem!, options!, subject!, directories);
    // What the kernel keeps of this card must not be taken for the next one.
    const kept = judgement.refused === null
      ? run("umount", FOLDER) ?? run("blockdev", "--flushbufs", CARD)
      : null;
    if (kept !== null) throw new Error(`the card can't be taken out: ${kept}`);
    say(JSON.stringify(judgement));
  }
}

async function look(
  fileSystem: string,
  options: string,
  subject: string,
  directories: string[],
): Promise<Judgement> {
  const refused = run("mount", "-t", fileSystem, "-o", options, CARD, FOLDER);
  const found: Found[] = [];
  if (refused !== null) return { found, refused };
  for (const directory of directories) found.push(await SUBJECTS[subject]!.check(directory));
  return { found, refused };
}

/** Runs one of busybox's programs. Returns what it complained about, or `null`. */
function run(...command: string[]): string | null {
  const { status, stderr } = spawnSync("/bin/busybox", command, { encoding: "utf8" });
  return status === 0 ? null : stderr.trim() || `${command[0]} ended with ${status}`;
}
