// Applies mutations without an end, many at a time, and prints each acknowledged sequence: write_state.ts DIRECTORY [SIZE].
//
// Every 500th mutation is followed by a compaction, so that a kill can fall into one.

import process from "node:process";
import { openLedger } from "../samples.ts";

const [directory, size = "100"] = process.argv.slice(2);
const manager = await openLedger(directory!, { segmentSizeMax: 65536 });
const filler = "x".repeat(Number(size));
let sent = manager.sequence;
console.log(`start ${sent}`);

async function write(): Promise<never> {
  for (;;) {
    const wanted = ++sent;
    const { sequence } = await manager.apply({ sent: wanted, filler });
    if (sequence !== wanted) throw new Error(`Mutation ${wanted} got sequence ${sequence}`);
    process.stdout.write(`${sequence}\n`);
    if (sequence % 500 === 0) await manager.compact();
  }
}

await Promise.all(Array.from({ length: 16 }, write));
