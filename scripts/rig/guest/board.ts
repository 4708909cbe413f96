// The program on the emulated board: `write SUBJECT FOLDER` until the power cut, `check SUBJECT DIRECTORY …`, which
// prints a line of JSON for each, `measure FOLDER`, which reports how fast it is, or `judge [CARD FOLDER]`, which mounts
// and checks whatever card the rig puts in.

import { writeFileSync } from "node:fs";
import process from "node:process";
import { BOARD_CARD, BOARD_FOLDER, judge } from "./judge.ts";
import { measure } from "./measured.ts";
import { openLine, say } from "./said.ts";
import { SUBJECTS } from "./subjects.ts";

/** On a board, the serial line; the check of system calls uses a plain file instead. */
const BOARD_PORT = "/dev/rig-said";
const PORT = process.env.RIG_SAID ?? BOARD_PORT;

const [command, name, ...args] = process.argv.slice(2);
const subject = SUBJECTS[name ?? ""];
if (command === "write" && subject !== undefined) {
  // For init.sh, which may kill it a while later and restart it: it must make progress on a slow machine too.
  openLine(PORT, () => PORT === BOARD_PORT && writeFileSync("/tmp/begun", ""));
  say("ready");
  await subject.write(args[0]!);
} else if (command === "check" && subject !== undefined) {
  for (const directory of args) console.log(JSON.stringify(await subject.check(directory)));
} else if (command === "measure" && name !== undefined) {
  openLine(PORT);
  await measure(name);
} else if (command === "judge" && name !== undefined) {
  openLine();
  await judge(name, args[0]!);
} else if (command === "judge") {
  openLine(PORT);
  await judge(BOARD_CARD, BOARD_FOLDER);
} else {
  console.error(
    "usage: board write SUBJECT FOLDER | board check SUBJECT DIRECTORY … | board measure FOLDER | board judge",
  );
  process.exitCode = 64;
}
