// Opens a state, applies one mutation, says so, and holds the state until its input ends: hold_state.ts DIRECTORY [CODE].
// With CODE, the lock file can't be opened: the disk fails with it.

import process from "node:process";
import { lockFileRefused } from "../rotten_lock.ts";
import { openLedger } from "../samples.ts";

const [directory, code] = process.argv.slice(2);
await using manager = await openLedger(directory!, await lockFileRefused(code));
const { sequence } = await manager.apply("held");
console.log(sequence);
await new Promise((resolve) => process.stdin.once("end", resolve).resume());
