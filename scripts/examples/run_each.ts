// Runs each of the given example files in an empty directory of its own, under whatever runtime this is started on.
//
// The paths of the files come one a line from the list that the only argument names. The last line is "N of N ran".

import { mkdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";

const list = process.argv[2] ?? "";
const paths = readFileSync(list, "utf8").trimEnd().split("\n");
let ran = 0;
for (const path of paths) {
  const directory = `${path}.d`;
  mkdirSync(directory);
  process.chdir(directory);
  try {
    await import(pathToFileURL(path).href);
    ran += 1;
  } catch (error) {
    console.log(`FAILED ${path}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
console.log(`${ran} of ${paths.length} ran`);
process.exitCode = ran === paths.length ? 0 : 1;
