// Under Node: opens files until the process may open no more, takes a lock by the program, and prints the code and the
// words it fails with. Usage: lock_without_descriptors.ts DIRECTORY

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { lockByProgram } from "../../../runtime/flock.ts";

const LIMITED = "--limited";
const [directory, how] = process.argv.slice(2);
if (how === LIMITED) console.log(JSON.stringify(await failure()));
else {
  // The limit that this process came with may be a million.
  const again = [process.execPath, fileURLToPath(import.meta.url), directory!, LIMITED];
  const output = execFileSync("/bin/sh", ["-c", 'ulimit -n 100; exec "$@"', "sh", ...again]);
  process.stdout.write(output);
}

async function failure(): Promise<[unknown, string]> {
  const path = join(directory!, "file");
  const opened = [fs.openSync(path, "w")];
  try {
    for (;;) opened.push(fs.openSync(path, "r"));
  } catch (error) {
    if ((error as { code?: string }).code !== "EMFILE") throw error;
  }
  try {
    return [await lockByProgram([opened[0]!]), ""];
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return [code, message];
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}
