// Opens a state, prints what it found as JSON, and closes it: open_state.ts DIRECTORY [OPTIONS] [CODE].
// With CODE, the lock file can't be opened: the disk fails with it.

import process from "node:process";
import { MinistateError } from "@ministate/ministate";
import { lockFileRefused } from "../rotten_lock.ts";
import { openLedger } from "../samples.ts";

const [directory, options = "{}", code] = process.argv.slice(2);
try {
  await using manager = await openLedger(directory!, {
    ...JSON.parse(options),
    ...await lockFileRefused(code),
  });
  const { sequence, recovery } = manager;
  console.log(JSON.stringify({ sequence, recovery, state: manager.snapshot() }));
} catch (error) {
  if (!(error instanceof MinistateError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
