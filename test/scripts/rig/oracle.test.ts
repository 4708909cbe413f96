// Tests the rig's oracle: what a program had said by the moment of a cut, compared with what was found.

import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { claimsAt, judge } from "../../../scripts/rig/claims.ts";
import { differs, entry, expected, ledger } from "../../../scripts/rig/guest/model.ts";
import { planCut } from "../../../scripts/rig/plans.ts";
import type { CutRow, RigResults } from "../../../scripts/rig/results.ts";
import { conclude, trafficProblem } from "../../../scripts/rig/summary.ts";
import { sumTraffic, trafficOf } from "../../../scripts/rig/traffic.ts";
import type { LogEntry } from "../../../scripts/rig/write_log.ts";

function said(...texts: string[]): LogEntry[] {
  return texts.map((text) => ({ at: "said", text }));
}

const LOG = said(
  "ready",
  "open /data/state",
  "found /data/state 0",
  "send /data/state 1",
  "ack /data/state 1",
  "send /data/state 3",
  "ack /data/state 3",
);

test("claimsAt() counts what was acknowledged before the moment, and all that was ever sent", () => {
  assertEquals(claimsAt(LOG, 1), []);
  assertEquals(claimsAt(LOG, 2), [{ directory: "/data/state", acknowledged: 0, sent: 3 }]);
  assertEquals(claimsAt(LOG, 5), [{ directory: "/data/state", acknowledged: 1, sent: 3 }]);
  assertEquals(claimsAt(LOG, 7), [{ directory: "/data/state", acknowledged: 3, sent: 3 }]);
});

test("claimsAt() continues from what was known before, and from what a recovery found", () => {
  const earlier = [{ directory: "/data/state", acknowledged: 5, sent: 8 }];
  assertEquals(claimsAt(LOG, 0, earlier), earlier);
  const found = said("open /data/state", "found /data/state 7");
  assertEquals(claimsAt(found, 2, earlier), [{ ...earlier[0]!, acknowledged: 7 }]);
});

test("claimsAt() looks at the newest directories", () => {
  const many = said(...Array.from({ length: 9 }, (_, i) => `open /data/fresh-${i}`));
  const names = claimsAt(many, 9).map(({ directory }) => directory);
  assertEquals(names, [4, 5, 6, 7, 8].map((i) => `/data/fresh-${i}`));
});

test("judge() distinguishes the ways in which a state can be wrong", () => {
  const claim = { directory: "/data/state", acknowledged: 3, sent: 5 };
  const found = (sequence: number | null, problem: string | null = null) =>
    judge(claim, { directory: "/data/state", outcome: "", sequence, problem });
  assertEquals(found(3), "sound");
  assertEquals(found(5), "sound");
  assertEquals(found(2), "lost");
  assertEquals(found(6), "invented");
  assertEquals(found(4, "the state is of other mutations"), "wrong");
  assertEquals(found(null, "CORRUPT"), "unopenable");
});

test("differs() notices a missing, a changed and an extra value", () => {
  const state = expected(50);
  assertEquals(differs(state, 50), null);
  assertEquals(differs(state, 49), "the state counts 50 mutations, not 49");
  assertEquals(differs({ ...state, chain: 1 }, 50), "the state after 50 is of other mutations");
  const { value } = entry(50);
  const changed = { ...state, values: { ...state.values, k10: value + 1 } };
  assertEquals(differs(changed, 50), `"k10" is ${value + 1} after 50`);
  assertEquals(differs({ ...state, values: { ...state.values, x: 1 } }, 50), '"x" is 1 after 50');
  assertEquals(differs(ledger.initial(), 0), null);
});

test("trafficOf() counts from the second to the last acknowledgement", () => {
  const write = (size: number): LogEntry => ({
    at: "write",
    offset: 0,
    bytes: new Uint8Array(size),
    forced: false,
  });
  const log: LogEntry[] = [
    write(9000),
    { at: "flush" },
    ...said("ack /data/state 1"),
    write(65_536),
    { at: "flush" },
    ...said("ack /data/state 2"),
    write(4096),
    { at: "flush" },
    ...said("ack /data/state 3"),
    write(4096),
    { at: "flush" },
    ...said("ack /data/state 4"),
    write(70_000),
  ];
  const traffic = { acknowledged: 2, flushes: 2, writes: 2, bytes: 8192 };
  assertEquals(trafficOf(log), traffic);
  assertEquals(sumTraffic([traffic, traffic]).bytes, 16_384);
});

test("trafficProblem() reads too few flushes as a missing sync, and too many as waste", () => {
  assertMatch(trafficProblem(0, 4096)!, /a sync is missing/);
  assertMatch(trafficProblem(0.999, 4096)!, /a sync is missing/);
  assertEquals(trafficProblem(1, 4178), null);
  assertMatch(trafficProblem(1.2, 4178)!, /more often/);
  assertMatch(trafficProblem(1, 9000)!, /write more/);
});

test("conclude() counts each cut, control and check once, however much of it is wrong", () => {
  const cut: CutRow = {
    ...planCut(0, 1, "vfat"),
    number: 0,
    cut: 1,
    seed: 1,
    seconds: 1,
    traffic: sumTraffic([]),
    problem: null,
    verdicts: { sound: 10 },
    outcomes: { sound: 10 },
    states: 10,
  };
  const failure = { what: "cut 1: the state does not open", detail: "in /data/state", replay: "r" };
  const results: RigResults = {
    startedAt: "",
    seconds: 1,
    machine: "",
    seed: 1,
    command: "",
    cuts: [cut, { ...cut, verdicts: { sound: 2, unopenable: 8 } }, { ...cut, problem: "it hung" }],
    controls: [],
    others: [{ name: "smoke", ok: true, detail: "" }],
    failures: Array.from({ length: 9 }, () => failure),
  };
  assertEquals(quietly(() => conclude(results)), { passed: 2, failed: 2 });
});

/** The result of a call, without its output. */
function quietly<T>(call: () => T): T {
  const { log } = console;
  console.log = () => {};
  try {
    return call();
  } finally {
    console.log = log;
  }
}
