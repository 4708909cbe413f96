// Counts what the disk was asked for between the second and the last acknowledgement.

import type { LogEntry } from "./write_log.ts";

/** What was written to the device for a number of acknowledged mutations. */
export interface Traffic {
  acknowledged: number;
  flushes: number;
  writes: number;
  bytes: number;
}

/** The traffic of one cut. */
export function trafficOf(log: readonly LogEntry[]): Traffic {
  const traffic: Traffic = { acknowledged: 0, flushes: 0, writes: 0, bytes: 0 };
  const since = { flushes: 0, writes: 0, bytes: 0 };
  let acknowledgements = 0;
  let base = 0;
  for (const entry of log) {
    if (entry.at === "flush") since.flushes++;
    else if (entry.at === "write") {
      since.writes++;
      since.bytes += entry.bytes.length;
    } else if (entry.text.startsWith("ack ")) {
      const sequence = Number(entry.text.split(" ")[2]);
      // Before the first one the directory and the segment were made, and before the second the space was filled ahead.
      if (++acknowledgements <= 2) base = sequence;
      else {
        traffic.acknowledged = sequence - base;
        for (const key of ["flushes", "writes", "bytes"] as const) traffic[key] += since[key];
      }
      Object.assign(since, { flushes: 0, writes: 0, bytes: 0 });
    }
  }
  return traffic;
}

/** Adds up. */
export function sumTraffic(all: readonly Traffic[]): Traffic {
  const sum: Traffic = { acknowledged: 0, flushes: 0, writes: 0, bytes: 0 };
  for (const one of all) {
    for (const key of Object.keys(sum) as (keyof Traffic)[]) sum[key] += one[key];
  }
  return sum;
}
