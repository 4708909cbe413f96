// Checks one card after the other: on a board, where the card is a disk that the rig changes, or on the rig's machine,
// where it is a file.
//
// A request is `FILESYSTEM OPTIONS SUBJECT DIRECTORY …`; the answer is one line of JSON: what was found in each
// directory, or why the card could not be mounted.

import { spawnSync } from "node:child_process";
import { hear, say } from "./said.ts";
import type { Found } from "./subject.ts";
import { SUBJECTS } from "./subjects.ts";

/** Where programs on a board know their card. */
export const BOARD_CARD = "/dev/rig-data";
export const BOARD_FOLDER = "/data";

/** What is answered. */
export interface Judgement {
  found: Found[];
  /** Why the card could not be mounted, or `null`. */
  refused: string | null;
}

/** Answers requests about what is in `card`, mounted at `folder`, until the line ends. */
export async function judge(card: string, folder: string): Promise<void> {
  say("ready");
  for (let request = hear(); request !== null; request = hear()) {
    const [fileSystem, options, subject, ...directories] = request.split(" ");
    const refused = run("mount", "-t", fileSystem!, "-o", options!, card, folder);
    const found: Found[] = [];
    if (refused === null) {
      for (const directory of directories) {
        const here = directory.replace(BOARD_FOLDER, folder);
        found.push({ ...await SUBJECTS[subject!]!.check(here), directory });
      }
      takeOut(card, folder);
    }
    const judgement: Judgement = { found, refused };
    say(JSON.stringify(judgement));
  }
}

/** Leaves nothing of a card that could be taken for a part of the next one. */
function takeOut(card: string, folder: string): void {
  // A writer that failed may hold a file of it still. The next card is another file, so this one may go when it can;
  // a board has one disk for all, and its kernel's cache of that disk has to be dropped now.
  const kept = card === BOARD_CARD
    ? run("umount", folder) ?? run("blockdev", "--flushbufs", card)
    : run("umount", folder) && run("umount", "-l", folder);
  if (kept !== null) throw new Error(`the card can't be taken out: ${kept}`);
}

/** Runs a program. Returns what it complained about, or `null`. */
function run(...command: string[]): string | null {
  const { status, stderr, error } = spawnSync(command[0]!, command.slice(1), { encoding: "utf8" });
  if (error) throw error;
  return status === 0 ? null : stderr.trim() || `${command[0]} ended with ${status}`;
}
