/**
 * The text of a whole run, put together from the reports of the workloads.
 *
 * @module
 */

import { contenders } from "./contenders/all.ts";
import { reportSoaks } from "./soak/report.ts";
import type { SoakRun } from "./soak/run.ts";
import { table } from "./support/table.ts";
import { type Competition, reportCompetition } from "./w1_w2_commits/report.ts";
import { reportOpenings } from "./w3_opening/report.ts";
import type { LogRun, OpeningRun } from "./w3_opening/run.ts";
import { reportLargeStates } from "./w4_large_state/report.ts";
import type { LargeRun } from "./w4_large_state/run.ts";
import { reportTraffic } from "./w5_traffic/report.ts";
import type { TrafficRun } from "./w5_traffic/run.ts";
import { reportColdStarts } from "./w6_cold_start/report.ts";
import type { ColdStart } from "./w6_cold_start/run.ts";
import { reportDelays } from "./w7_event_loop/report.ts";
import type { DelayRun } from "./w7_event_loop/run.ts";
import { reportReads } from "./w8_reads/report.ts";
import type { ReadRun } from "./w8_reads/run.ts";
import { reportDrafts } from "./w9_drafts/report.ts";
import type { DraftRun } from "./w9_drafts/run.ts";

/** Every figure of a run, as the JSON has it. */
export interface Collected {
  machine: Record<string, string>;
  quick: boolean;
  competitions: Competition[];
  openings: OpeningRun[];
  logs: LogRun[];
  largeStates: LargeRun[];
  traffic: TrafficRun[];
  coldStarts: ColdStart[];
  delays: DelayRun[];
  reads: ReadRun[];
  drafts: DraftRun[];
  soaks: SoakRun[];
}

/** All of it; what was not measured is left out. */
export function report(collected: Collected): string {
  const parts = ["Figures are medians over all rounds (least to most).\n"];
  parts.push(...collected.competitions.map(reportCompetition));
  if (collected.openings.length > 0) {
    parts.push(reportOpenings(collected.openings, collected.logs));
  }
  if (collected.largeStates.length > 0) parts.push(reportLargeStates(collected.largeStates));
  if (collected.traffic.length > 0) parts.push(reportTraffic(collected.traffic));
  if (collected.coldStarts.length > 0) parts.push(reportColdStarts(collected.coldStarts));
  if (collected.delays.length > 0) parts.push(reportDelays(collected.delays));
  if (collected.reads.length > 0) parts.push(reportReads(collected.reads));
  if (collected.drafts.length > 0) parts.push(reportDrafts(collected.drafts));
  if (collected.soaks.length > 0) parts.push(reportSoaks(collected.soaks));
  return parts.join("\n");
}

/** How every contender was made durable. */
export function reportDurability(): string {
  const rows = Object.values(contenders).map(({ name, durability }) => [name, durability]);
  return table(["contender", "made durable by"], rows);
}
