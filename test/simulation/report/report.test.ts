// Tests the report of a simulation: what it shows can't inject markup, and nothing that was counted is left out.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { renderReport } from "../../../simulation/report/report.ts";
import { addSample, type Results, type Row, type Sample } from "../../../simulation/results.ts";

const ROWS: Row[] = [
  ["power cuts", "snapshots", "write", "sound", 1_234_567],
  ["power cuts", "snapshots", "rename", "torn tail cut", 8_911],
  ["power cuts", "a backup", "write", "sealed", 76_543],
  ["faults", "snapshots, fails with EIO once", "write", "nothing yet", 2_345],
  ["histories", "random histories", "syncData", "set aside", 98_765_432],
  ["bit rot", "sealed atomic groups, any bit is flipped", "bit flipped", "CORRUPT", 45_678],
  ["structure", "sealed atomic groups", "file missing", "all there", 3_219],
].map(([kind, workload, operation, outcome, count]) => ({
  kind,
  workload,
  operation,
  outcome,
  count,
} as Row));

function resultsWith(change: Partial<Results>): Results {
  return {
    startedAt: "2026-02-03T04:05:06.789Z",
    seconds: 7200,
    machine: "4 × a processor",
    processes: [{ runtime: "bun", count: 4 }],
    seed: 20260203,
    command: "npm run simulate -- --seed 20260203",
    totals: { crashStates: 100_087_798, damaged: 48_897, faults: 1_357, failures: 0 },
    timeline: [1, 2, 3].map((seconds) => ({ seconds, crashStates: seconds * 9, damaged: 1 })),
    rows: ROWS,
    failures: [],
    ...change,
  };
}

test("renderReport() shows every count, and what was run", () => {
  const page = renderReport(resultsWith({}));
  for (const { count } of ROWS) {
    assert(page.includes(`<td>${count.toLocaleString("en")}</td>`), `${count} is missing`);
  }
  for (const total of ["100,087,798", "13,901", "48,897", "1,357", "7,200"]) {
    assert(page.includes(`<b>${total}</b>`), `${total} is missing`);
  }
  assert(page.includes("npm run simulate -- --seed 20260203"));
  assert(page.includes("2026-02-03 04:05 UTC"));
  assert(page.includes("bun × 4"));
});

test("renderReport() draws every workload, operation and outcome", () => {
  const page = renderReport(resultsWith({}));
  const drawn = [...page.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]!);
  for (const name of ["snapshots", "a backup", "random histories", "rename", "syncData"]) {
    assert(drawn.includes(name), `${name} is not drawn`);
  }
  assert(drawn.includes("sealed atomic groups: bit flipped"));
  assert(drawn.includes("1,245,823"), "the total of a workload is not drawn");
  assert(!/NaN|undefined|Infinity/.test(page));
});

test("renderReport() says which failures there were, and how to see each again", () => {
  const failures = ["one", "two"].map((name) => ({
    kind: "power cuts",
    workload: name,
    message: `${name} goes wrong`,
    replay: `npm run simulate -- --workload ${name}`,
  }));
  const good = renderReport(resultsWith({}));
  assert(good.includes("<b>0 failures</b>") && good.includes('verdict good"'));
  const bad = renderReport(resultsWith({ failures }));
  assert(bad.includes("<b>2 failures</b>") && bad.includes('verdict bad"'));
  for (const { message, replay } of failures) assert(bad.includes(message) && bad.includes(replay));
});

test("renderReport() doesn't call a run that checked nothing a success", () => {
  const totals = { crashStates: 0, damaged: 0, faults: 0, failures: 0 };
  const page = renderReport(resultsWith({ totals, rows: [], timeline: [], seconds: 0 }));
  assert(page.includes('verdict bad"'));
  assert(!/NaN|Infinity/.test(page));
});

test("renderReport() needs no network", () => {
  const page = renderReport(resultsWith({})).replaceAll("http://www.w3.org/2000/svg", "");
  assert(!/https?:|\/\/\w+\.\w|<link|<script|@import|url\((?!#)|\ssrc=/i.test(page));
});

test("renderReport() escapes hostile text", () => {
  const hostile = `</text></style><script>alert("&'1")</script>`;
  const row = { kind: hostile, workload: hostile, operation: hostile, outcome: hostile, count: 1 };
  const failure = { kind: hostile, workload: hostile, message: hostile, replay: hostile };
  const page = renderReport(resultsWith({
    startedAt: hostile,
    machine: hostile,
    processes: [{ runtime: hostile, count: 1 }],
    command: hostile,
    rows: [
      row,
      { ...row, kind: "faults" },
      { ...row, kind: "bit rot" },
      { ...row, kind: "power cuts", workload: "x" },
    ],
    failures: [failure],
  }));
  assert(!/<script|alert\("/i.test(page));
  assertEquals(page.match(/<\/style>/g)?.length, page.match(/<style/g)?.length);
  assertEquals(page.match(/<\/text>/g)?.length, page.match(/<text/g)?.length);
});

test("addSample() keeps a run of any length small", () => {
  const timeline: Sample[] = [];
  const totals = { crashStates: 1, damaged: 2, faults: 3, failures: 0 };
  for (let seconds = 0.25; seconds <= 5; seconds += 0.25) addSample(timeline, seconds, totals);
  assertEquals(timeline.map(({ seconds }) => seconds), [1, 2, 3, 4, 5]);
  for (let seconds = 5; seconds < 50_000; seconds++) addSample(timeline, seconds, totals);
  assert(timeline.length > 200 && timeline.length < 600, `${timeline.length} samples`);
});
