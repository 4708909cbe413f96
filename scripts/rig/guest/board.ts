// The program on the emulated board: `write SUBJECT FOLDER` until the power goes, `check SUBJECT DIRECTORY …`, which
// prints a line of JSON for each, or `judge`, which mounts and checks whatever card the rig puts in.

import process from "node:process";
import { judge } from "./judge.ts";
import { openLine, say } from "./said.ts";
import { SUBJECTS } from "./subjects.ts";

const [command, name, ...args] = process.argv.slice(2);
const subject = SUBJECTS[name ?? ""];
if (command === "write" && subject !== undefined) {
  openLine();
  say("ready");
  await subject.write(args[0]!);
} else if (command === "check" && subject !== undefined) {
  for (const directory of args) console.log(JSON.stringify(await subject.check(directory)));
} else if (command === "judge") {
  await judge();
} else {
  console.error(
    "usage: board write SUBJECT FOLDER | board check SUBJECT DIRECTORY … | board judge",
  );
  process.exitCode = 64;
}
