// Tests what the benchmark's tables say about figures that meet a target and figures that miss it.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { reportColdStarts } from "../../bench/w6_cold_start/report.ts";
import { reportLargeStates } from "../../bench/w4_large_state/report.ts";
import { reportDelays } from "../../bench/w7_event_loop/report.ts";
import { reportReads } from "../../bench/w8_reads/report.ts";
import { reportDrafts } from "../../bench/w9_drafts/report.ts";
import { reportOpenings } from "../../bench/w3_opening/report.ts";
import { reportSoaks } from "../../bench/soak/report.ts";
import type { SoakSample } from "../../bench/soak/measure.ts";
import { reportTraffic } from "../../bench/w5_traffic/report.ts";

const runtime = "bun" as const;
const MIB = 2 ** 20;

/** The cells of the first row that has this text in it. */
function rowWith(report: string, text: string): string[] {
  const line = report.split("\n").find((line) => line.includes(text));
  assert(line !== undefined, `no row with "${text}" in:\n${report}`);
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}

test("W3: opening by the floor, and the journals of peers beside ours", () => {
  const opening = { runtime, perBatch: 64, size: 100 * MIB, elapsedMs: 570, floorMs: 500 };
  const openings = [{ ...opening, peak: 90 * MIB, above: 49 * MIB }];
  const failed = { runtime, contender: "peers/lmdb", elapsedMs: NaN, failure: "no such module" };
  const logs = [{ runtime, contender: "peers/bun_sqlite", elapsedMs: 800 }, failed];
  const report = reportOpenings(openings, logs);
  const row = rowWith(report, "| 64");
  assertEquals([row[5], row[6]], ["1.14 (1.14 to 1.14)", "met"]);
  assertEquals(row.at(-1), "MISSED");
  const names = report.split("\n").filter((line) => line.startsWith("| bun"))
    .map((line) => line.split("|")[2]!.trim());
  assertEquals(names, ["64", "ministate", "bun:sqlite", "lmdb"]);
  assert(report.includes("lmdb on bun: no such module"));
});

test("W4: opening large states, and a snapshot beside a caller", () => {
  const usual = { usualP99: 0.5, usualStallMax: 1 };
  const beside = { ...usual, elapsedMs: 4000, p99: 1.6, ownStallMax: 20, commits: 100 };
  const run = { runtime, keys: 100_000, size: 100 * MIB, openMs: 1100, floorMs: 1000 };
  const one = { ...run, peak: 400 * MIB, beside: { ...beside, stallMax: 5, peak: 800 * MIB } };
  const large = { keys: 1_000_000, beside: { ...one.beside, stallMax: 250 } };
  const report = reportLargeStates([one, { ...one, ...large }]);
  assertEquals(rowWith(report, "1.10 (1.10 to 1.10)")[6], "met");
  const row = rowWith(report, "5.0 (5.0");
  assertEquals([row[1], row[6], row[9], row[10]], ["100,000", "met", "3.2 (3.2 to 3.2)", "MISSED"]);
  assertEquals(rowWith(report, "250.0")[6], "–");
});

test("W5: bytes and flushes per commit, with only our journal compared with the target", () => {
  const run = { runtime, callers: 1, byHand: false, round: 0, commits: 100, writes: 200 };
  const report = reportTraffic([
    { ...run, contender: "ministate", bytes: 500_000, flushes: 102 },
    { ...run, contender: "ministate_uncompacted", bytes: 420_000, flushes: 102 },
    { ...run, contender: "peers/lmdb", bytes: 0, flushes: 0, failure: "no such module" },
  ]);
  assertEquals(rowWith(report, "ministate, journal alone").slice(1), [
    "4200 (4200 to 4200)",
    "2.000 (2.000 to 2.000)",
    "1.020 (1.020 to 1.020)",
  ]);
  assertEquals(rowWith(report, "at most 4480 bytes")[2], "met");
  assertEquals(rowWith(report, "at most 1.01 flushes")[2], "MISSED");
});

test("W6: our starts by those of the floor of the same round, compiled or not", () => {
  const start = (contender: string, round: number, elapsedMs: number) => ({
    runtime,
    contender,
    round,
    elapsedMs,
    peak: 30 * MIB,
  });
  const report = reportColdStarts([
    ...[100, 200].flatMap((floorMs, round) => [
      start("line", round, floorMs),
      start("ministate_built", round, floorMs * 1.7),
      start("compiled line", round, floorMs / 2),
      start("compiled", round, floorMs),
    ]),
    { ...start("peers/lmdb", 0, NaN), failure: "no such module" },
  ]);
  assertEquals(rowWith(report, "1.70 (1.70 to 1.70)").slice(1), [
    "ministate",
    "1.70 (1.70 to 1.70)",
    "at most 1.8",
    "met",
  ]);
  assertEquals(rowWith(report, "2.00 (2.00 to 2.00)").at(-1), "MISSED");
  assert(report.includes("lmdb on bun: no such module"));
});

test("W7: who holds the event loop, one table for each disk, the shortest first", () => {
  const run = { runtime, p50: 0.1, max: 20, requests: 100 };
  const report = reportDelays([
    { ...run, contender: "peers/bun_sqlite", syncMs: 5, p99: 90 },
    { ...run, contender: "ministate", syncMs: 5, p99: 1.2 },
    { ...run, contender: "peers/lmdb", syncMs: 5, p99: NaN, failure: "no such module" },
  ]);
  assertEquals(rowWith(report, "ministate").at(-1), "met");
  assert(report.indexOf("ministate") < report.indexOf("bun:sqlite"));
  assert(report.includes("lmdb on bun: no such module"));
});

test("W8: reads alone and beside a writer", () => {
  const report = reportReads([{ runtime, alone: 100, besideWriter: 120, commits: 9 }]);
  assertEquals(rowWith(report, "| bun").slice(3), ["1.20 (1.20 to 1.20)", "MISSED"]);
});

test("W9: drafts beside the state itself, ratios within one process", () => {
  const figure = (raw: number, draft: number) => [{ program: "push", raw, draft }];
  const runs = [[10, 40], [100, 300], [20, 100]].map(([raw, draft]) => ({
    runtime,
    figures: figure(raw!, draft!),
  }));
  const row = rowWith(reportDrafts(runs), "| push");
  assertEquals(row.slice(-2), ["80 (30 to 200)", "4.0 (3.0 to 5.0)"]);
});

test("soak: memory that grows misses the target, and so do directories that get slower", () => {
  const sample = (number: number): SoakSample => ({
    seconds: number,
    commits: 1000 * number,
    perSecond: 1000,
    p50: 0.3,
    p99: 0.9,
    resident: (100 + number) * MIB,
    directory: (30 - number / 10) * MIB,
    backlog: 1000 + number,
  });
  const samples = Array.from({ length: 60 }, (_, i) => sample(i + 1));
  const slices = (rate: number): [number, number][] => [[rate / 20, 50], [rate / 20, 50]];
  const ages = [{ name: "empty", slices: slices(5000) }, { name: "old", slices: slices(4900) }];
  const report = reportSoaks([{ runtime, samples, ages }]);
  const row = rowWith(report, "60,000");
  assertEquals(row.slice(6), ["140", "160", "MISSED", "30", "1,060"]);
  assertEquals(rowWith(report, "| old").at(-1), "met");
});
