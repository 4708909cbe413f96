// Opens a state, tells what it found as JSON, and closes it: open_state.ts DIRECTORY [OPTIONS].

import process from "node:process";
import { MinistateError } from "@ministate/ministate";
import { openLedger } from "../samples.ts";

const [directory, options = "{}"] = process.argv.slice(2);
try {
  await using manager = await openLedger(directory!, JSON.parse(options));
  const { sequence, recovery } = manager;
  console.log(JSON.stringify({ sequence, recovery, state: manager.snapshot() }));
} catch (error) {
  if (!(error instanceof MinistateError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
