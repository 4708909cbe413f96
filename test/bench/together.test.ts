// Tests how the benchmark combines several runs, so that medians are over all their rounds.

import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { Entry } from "../../bench/w1_w2_commits/run.ts";
import { rowsOf } from "../../bench/w1_w2_commits/reckon.ts";
import type { Collected } from "../../bench/report.ts";
import { show } from "../../bench/support/stats.ts";
import { together } from "../../bench/together.ts";

/** A run of one round, in which the floor makes `floor` commits a second and ministate nine tenths of that. */
function runWith(floor: number, machine: Record<string, string> = {}): Collected {
  const entry = (contender: string, rate: number): Entry => ({
    runtime: "bun",
    contender,
    callers: 1,
    byHand: false,
    keys: 100,
    round: 0,
    slices: [[rate, 1000]],
  });
  const start = { runtime: "bun" as const, contender: "line", round: 0, elapsedMs: 10, peak: 0 };
  return {
    machine: { date: "2026-01-01", runtimes: "bun 1.0.0", ...machine },
    quick: false,
    competitions: [{
      name: "W1",
      title: "one caller",
      callers: 1,
      keys: 100,
      entries: [entry("floor", floor), entry("ministate", floor * 0.9)],
    }],
    openings: [],
    logs: [],
    largeStates: [],
    traffic: [],
    coldStarts: [start],
    delays: [],
    reads: [],
    drafts: [],
    soaks: [],
  };
}

test("together() keeps every round, and compares within it", () => {
  const all = together([runWith(1000), runWith(4000), runWith(2000, { date: "2026-01-02" })]);
  const ours = rowsOf(all.competitions[0]!.entries).at(-1)!.cells.bun!;
  assertEquals(show(ours.perSecond, 0), "1800 (900 to 3600)");
  assertEquals(show(ours.ratio, 2), "0.90 (0.90 to 0.90)");
  assertEquals(new Set(all.coldStarts.map(({ round }) => round)).size, 3);
  assertEquals(all.machine.date, "2026-01-01, 2026-01-02");
});

test("together() keeps a workload that only a later run has", () => {
  const some = { ...runWith(1000), competitions: [] };
  const all = together([some, runWith(1000)]);
  assertEquals(all.competitions.map(({ entries }) => entries.length), [2]);
});

test("together() refuses runs of different machines, and quick ones beside whole ones", () => {
  const others: [Collected, string][] = [
    [runWith(1000, { runtimes: "bun 1.0.1" }), "runtimes is bun 1.0.0 and bun 1.0.1"],
    [{ ...runWith(1000), quick: true }, "some were quick"],
  ];
  for (const [other, says] of others) {
    assertThrows(() => together([runWith(1000), other]), Error, says);
  }
});
