/**
 * Percentiles of sync latencies, and what they reveal about the device.
 *
 * @module
 */

import { countText, numberText, sizeText } from "../text.ts";
import type { DoctorFinding, Mark } from "./finding.ts";

/** The latencies of the syncs that were made, in milliseconds. */
export interface SyncLatency {
  rounds: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
  /** How many bytes were written for the test. */
  sizeWritten: number;
}

/** Programming a page of the fastest flash (one bit per cell) takes about 200 µs, plus the transfer. */
const FLASH_MS = 0.15;

/**
 * Cards of class A1 must manage 500 random writes a second, without syncs. An SSD or eMMC stays below this with syncs.
 */
const QUICK_MS = 2;

/** What cards without such a class commonly need for a page and the update of their own tables. */
const CARD_MS = 20;

/** A person begins to notice a wait of a tenth of a second. */
const SLOW_MS = 100;

/** The SD standard lets a card be busy for up to half a second per write. Twice that means a card in trouble. */
const STALL_MS = 1000;

/** Computes percentiles by nearest rank: each is a latency that occurred. `null` if there are none. */
export function syncLatencyOf(latenciesMs: number[], sizeWritten: number): SyncLatency | null {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  const rounds = sorted.length;
  if (rounds === 0) return null;
  const at = (percent: number) => sorted[Math.ceil(rounds * percent / 100) - 1]!;
  return { rounds, p50Ms: at(50), p90Ms: at(90), p99Ms: at(99), maxMs: at(100), sizeWritten };
}

/** Reports what the latencies mean; `disk` is the device's name, if known. */
export function latencyFindings(latency: SyncLatency, disk: string | null): DoctorFinding[] {
  const { rounds, p50Ms, p90Ms, p99Ms, maxMs, sizeWritten } = latency;
  const found =
    `p50 ${latencyText(p50Ms)}, p90 ${latencyText(p90Ms)}, p99 ${latencyText(p99Ms)}, ` +
    `max ${latencyText(maxMs)} (${countText(rounds, "round")} of 4 KiB; ` +
    `${sizeText(sizeWritten)} were written for it)`;
  const findings: DoctorFinding[] = [{ check: "syncs", found, ...rateLatency(p50Ms, disk) }];
  if (maxMs < STALL_MS) return findings;
  return [...findings, {
    check: "sync stalls",
    mark: "warning",
    found: `one took ${latencyText(maxMs)}`,
    meaning:
      "The device stops at times to tidy up; mutations wait meanwhile, and a card that does " +
      "so often may be near its end",
    advice: "Leave a tenth of the card free, or use one made for endurance",
  }];
}

/** A duration in the unit that fits. */
export function latencyText(durationMs: number): string {
  if (durationMs >= 1000) return `${(durationMs / 1000).toFixed(1)} s`;
  if (durationMs >= 10) return `${Math.round(durationMs)} ms`;
  if (durationMs >= 1) return `${durationMs.toFixed(1)} ms`;
  return `${Math.round(durationMs * 1000)} µs`;
}

function rateLatency(
  p50Ms: number,
  disk: string | null,
): { mark: Mark; meaning: string; advice?: string } {
  if (p50Ms < FLASH_MS) return tooFast(p50Ms, disk);
  const wait = `a mutation that waits alone waits ${latencyText(p50Ms)}, which makes ` +
    `${numberText(Math.floor(1000 / p50Ms))} a second; those that wait together share a sync`;
  if (p50Ms < QUICK_MS) return { mark: "ok", meaning: `Like an SSD, eMMC or a good card: ${wait}` };
  if (p50Ms < CARD_MS) return { mark: "ok", meaning: `A typical SD card: ${wait}` };
  return {
    mark: p50Ms < SLOW_MS ? "notice" : "warning",
    meaning: `Slow: ${wait}`,
    advice:
      "Call apply without waiting for the one before, or use applyAll; or use a card of class A1, A2",
  };
}

/** Faster than flash. A virtual disk is harmless, but cards and eMMC have no capacitor. */
function tooFast(
  p50Ms: number,
  disk: string | null,
): { mark: Mark; meaning: string; advice: string } {
  return {
    mark: disk?.startsWith("mmcblk") ? "warning" : "notice",
    meaning:
      `It acknowledges a sync in ${latencyText(p50Ms)}, and no flash writes that fast: it lies, ` +
      "or it has a capacitor, or it is a virtual disk",
    advice:
      'If you don\'t know of a capacitor, try it: feed "ministate patch DIR --ack" over the ' +
      "network, cut the power, and see whether the last sequence it printed is there",
  };
}
