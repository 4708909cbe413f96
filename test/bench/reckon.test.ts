// Tests what the benchmark computes from its figures: ratios within a round, targets, lost rows.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Entry } from "../../bench/w1_w2_commits/run.ts";
import { lostRows, rowsOf, verdictsOf } from "../../bench/w1_w2_commits/reckon.ts";
import { show, spread } from "../../bench/support/stats.ts";

/** What a contender did in one round, at `rate` commits per second in two slices of unequal length. */
function entry(contender: string, round: number, rate: number, more: Partial<Entry> = {}): Entry {
  const slices: Entry["slices"] = [[rate * 0.05, 50], [rate * 0.15, 150]];
  return { runtime: "bun", contender, callers: 1, byHand: false, round, slices, ...more };
}

/** Three rounds of one caller, in which the disk is as fast, twice as fast, and half as fast. */
const threeRounds = [1000, 2000, 500].flatMap((floor, round) => [
  entry("floor", round, floor),
  entry("ministate", round, floor * [0.9, 0.95, 0.85][round]!),
  entry("peers/bun_sqlite", round, floor * 0.8),
  entry("peers/lowdb", round, floor * 3),
]);

test("rowsOf() compares each round with the floor of that round, however fast the disk was", () => {
  const ours = rowsOf(threeRounds, 1).find(({ name }) => name === "ministate");
  assertEquals(show(ours!.cells.bun!.ratio, 2), "0.90 (0.85 to 0.95)");
  assertEquals(show(ours!.cells.bun!.perSecond, 0), "900 (425 to 1900)");
});

test("rowsOf() puts the floor first, then the nearest contenders", () => {
  const names = rowsOf(threeRounds, 1).map(({ name }) => name);
  assertEquals(names, ["floor", "lowdb", "ministate", "bun:sqlite"]);
});

test("rowsOf() keeps a contender that failed, with the reason", () => {
  const failure = "no such module";
  const failed = entry("peers/lmdb", 0, 0, { slices: [], failure });
  const row = rowsOf([...threeRounds, failed], 1).find(({ name }) => name === "lmdb");
  assertEquals(row?.cells, {});
  assertEquals(row?.failures, { bun: failure });
});

test("rowsOf() leaves out the round in which a contender failed, and no other", () => {
  const entries = [
    ...threeRounds,
    entry("peers/lmdb", 0, 500),
    entry("peers/lmdb", 1, 10, { failure: "it ended with SIGKILL" }),
  ];
  const row = rowsOf(entries, 1).find(({ name }) => name === "lmdb");
  assertEquals(show(row!.cells.bun!.ratio, 2), "0.50 (0.50 to 0.50)");
  assertEquals(row?.failures, { bun: "it ended with SIGKILL" });
});

test("rowsOf() keeps the modes of one contender apart", () => {
  const many = { callers: 64 };
  const entries = [
    entry("floor", 0, 100_000, { ...many, byHand: true }),
    entry("peers/lmdb", 0, 20_000, many),
    entry("peers/lmdb", 0, 30_000, { ...many, byHand: true }),
  ];
  const names = rowsOf(entries, 64).map(({ name }) => name);
  assertEquals(names, ["floor", "lmdb, batching by hand", "lmdb"]);
});

test("verdictsOf() compares one caller with the floor and the best durable peer", () => {
  const verdicts = verdictsOf(threeRounds, 1).map(({ target, met }) => [target, met]);
  assertEquals(verdicts, [
    ["at least 0.92 of the floor", false],
    ["ahead of every peer: the best is bun:sqlite", true],
  ]);
});

test("verdictsOf() compares many callers with peers that batch, and with peers that don't", () => {
  const entries = [
    entry("floor", 0, 100_000, { callers: 64, byHand: true }),
    entry("ministate", 0, 70_000, { callers: 64 }),
    entry("peers/bun_sqlite", 0, 3_000, { callers: 64 }),
    entry("peers/bun_sqlite", 0, 20_000, { callers: 64, byHand: true }),
    entry("peers/redis", 0, 25_000, { callers: 64 }),
  ];
  const verdicts = verdictsOf(entries, 64).map(({ target, met }) => [target, met]);
  assertEquals(verdicts, [
    ["at least 0.6 of the floor", true],
    ["2.5 times the best that batches, Redis", true],
    ["25 times the best that doesn't, bun:sqlite", false],
  ]);
});

test("verdictsOf() compares 1,024 callers with 64 of the same run", () => {
  const entries = [
    entry("floor", 0, 900_000, { callers: 1024, byHand: true }),
    entry("ministate", 0, 80_000, { callers: 1024 }),
    entry("ministate", 0, 100_000, { callers: 64 }),
  ];
  const [verdict] = verdictsOf(entries, 1024);
  assertEquals(verdict?.target, "no slower than ministate, 64 callers");
  assertEquals(verdict?.figure.median, 0.8);
  assert(!verdict?.met);
});

test("lostRows() says who is faster, and by how much, also when it isn't durable", () => {
  const faster = [0, 1, 2].map((round) =>
    entry("peers/node_sqlite", round, [1080, 2280, 510][round]!)
  );
  assertEquals(lostRows([...threeRounds, ...faster], 1), [
    "lowdb on bun does 3.33 times what we do, but is not durable",
    "node:sqlite on bun does 1.20 times what we do",
  ]);
});

test("spread() of no figures is NaN", () => {
  assert(Number.isNaN(spread([]).median));
});
