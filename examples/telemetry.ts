/**
 * A telemetry keeper: samples this machine many times a second and keeps every reading through crashes and power cuts.
 *
 * Runs unchanged on Deno, Bun and Node, until it is interrupted:
 *
 *     deno run --allow-all examples/telemetry.ts DIRECTORY
 *     bun examples/telemetry.ts DIRECTORY
 *     node examples/telemetry.ts DIRECTORY
 *
 * Options: `--interval MS` between two samples of a source (100), `--keep-history` never to delete old journal, and
 * `--report` to print each reading before it is submitted and each sequence once it is acknowledged, as JSON lines.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { StateManager } from "@ministate/ministate";
import { findSources, type Source } from "./telemetry_sources.ts";
import { JOURNAL_NAME, type Reading, telemetry } from "./telemetry_state.ts";

const { values: options, positionals: [directory] } = parseArgs({
  allowPositionals: true,
  options: {
    interval: { type: "string", default: "100" },
    report: { type: "boolean", default: false },
    "keep-history": { type: "boolean", default: false },
  },
});
const intervalMs = Number(options.interval);
if (directory === undefined || !(intervalMs >= 1)) {
  console.error("Usage: telemetry.ts DIRECTORY [--interval MS] [--report] [--keep-history]");
  process.exit(2);
}

const manager = await StateManager.open(directory, JOURNAL_NAME, telemetry, {
  compaction: options["keep-history"] ? "manual" : "automatic",
});
if (!options.report) {
  console.log(`Keeping telemetry in "${directory}", ${manager.sequence} readings so far`);
}

let over = false;
let wake = () => {};
const interrupted = new Promise<void>((resolve) => wake = resolve);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    over = true;
    wake();
  });
}

// Every source has its own pace; what they submit at the same time shares one write and one sync.
await Promise.all((await findSources()).map(sample));
await manager.close();
if (!options.report) {
  for (const [sensor, { latest, minimum, maximum, count, unit }] of sorted()) {
    console.log(`${sensor}: ${latest} ${unit} (${minimum} to ${maximum}, ${count} readings)`);
  }
}

async function sample(source: Source): Promise<void> {
  while (!over) {
    await Promise.all((await source()).map(keep));
    await Promise.race([sleep(intervalMs), interrupted]);
  }
}

async function keep(reading: Reading): Promise<void> {
  if (options.report) report({ sent: reading });
  const { sequence } = await manager.apply(reading); // durable once this resolves
  if (options.report) report({ acknowledged: sequence, reading });
}

/** Written at once, not when the runtime finds the time: a reader must know of it however this process ends. */
function report(line: object): void {
  let bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      // The pipe is full and its reader is slow: try again.
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
    }
  }
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

function sorted() {
  return Object.entries(manager.state.sensors).sort(([a], [b]) => a < b ? -1 : 1);
}
