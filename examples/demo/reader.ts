/**
 * Opens the telemetry, which recovers it, and prints everything in it as one line of JSON; runs on every runtime.
 *
 * @module
 */

import process from "node:process";
import { type RecoveryReport, StateManager } from "@ministate/ministate";
import { JOURNAL_NAME, type Reading, telemetry, type TelemetryState } from "../telemetry_state.ts";

/** What a reader found in the directory. */
export interface Findings {
  recovery: RecoveryReport;
  records: { sequence: number; mutation: Reading }[];
  state: TelemetryState;
}

const manager = await StateManager.open(process.argv[2]!, JOURNAL_NAME, telemetry, {
  compaction: "manual",
});
const records: Findings["records"] = [];
if (manager.sequence > 0) {
  for await (const { sequence, mutation } of manager.changes({ from: 1 })) {
    records.push({ sequence, mutation });
    if (sequence === manager.sequence) break;
  }
}
const findings: Findings = { recovery: manager.recovery, records, state: manager.snapshot() };
await manager.close();
console.log(JSON.stringify(findings));
