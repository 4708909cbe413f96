// Opens a state, applies one mutation, says so, and holds the state until its input ends: hold_state.ts DIRECTORY.

import process from "node:process";
import { openLedger } from "../samples.ts";

await using manager = await openLedger(process.argv[2]!);
const { sequence } = await manager.apply("held");
console.log(sequence);
await new Promise((resolve) => process.stdin.once("end", resolve).resume());
