// Tests what the benchmark computes from its figures: ratios within a round, targets, lost rows.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type Entry, roundsOf } from "../../bench/w1_w2_commits/run.ts";
import { lostRows, rowsOf, verdictsOf } from "../../bench/w1_w2_commits/reckon.ts";
import { show, spread } from "../../bench/support/stats.ts";
import { FEW_KEYS, KEY_COUNT } from "../../bench/support/workload.ts";

/** What a contender did in one round, at `rate` commits per second in two slices of unequal length. */
function entry(contender: string, round: number, rate: number, more: Partial<Entry> = {}): Entry {
  const slices: Entry["slices"] = [[rate * 0.05, 50], [rate * 0.15, 150]];
  const manner = { callers: 1, byHand: false, keys: FEW_KEYS };
  return { runtime: "bun", contender, ...manner, round, slices, ...more };
}

/** Three rounds of one caller, in which the disk is as fast, twice as fast, and half as fast. */
const threeRounds = [1000, 2000, 500].flatMap((floor, round) => [
  entry("floor", round, floor),
  entry("ministate", round, floor * [0.9, 0.95, 0.85][round]!),
  entry("peers/bun_sqlite", round, floor * 0.8),
  entry("peers/lowdb", round, floor * 3),
]);

test("rowsOf() compares each round with the floor of that round, however fast the disk was", () => {
  const ours = rowsOf(threeRounds).find(({ name }) => name === "ministate");
  assertEquals(show(ours!.cells.bun!.ratio, 2), "0.90 (0.85 to 0.95)");
  assertEquals(show(ours!.cells.bun!.perSecond, 0), "900 (425 to 1900)");
});

test("rowsOf() puts the floor first, then the nearest contenders", () => {
  const names = rowsOf(threeRounds).map(({ name }) => name);
  assertEquals(names, ["floor", "lowdb", "ministate", "bun:sqlite"]);
});

test("rowsOf() keeps a contender that failed, with the reason", () => {
  const failure = "no such module";
  const failed = entry("peers/lmdb", 0, 0, { slices: [], failure });
  const row = rowsOf([...threeRounds, failed]).find(({ name }) => name === "lmdb");
  assertEquals(row?.cells, {});
  assertEquals(row?.failures, { bun: failure });
});

test("rowsOf() leaves out the round in which a contender failed, and no other", () => {
  const entries = [
    ...threeRounds,
    entry("peers/lmdb", 0, 500),
    entry("peers/lmdb", 1, 10, { failure: "it ended with SIGKILL" }),
  ];
  const row = rowsOf(entries).find(({ name }) => name === "lmdb");
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
  const names = rowsOf(entries).map(({ name }) => name);
  assertEquals(names, ["floor", "lmdb, batching by hand", "lmdb"]);
});

test("verdictsOf() compares one caller with the floor and the best durable peer", () => {
  const verdicts = verdictsOf(threeRounds).map(({ target, met }) => [target, met]);
  assertEquals(verdicts, [
    ["at least 0.92 of the floor", false],
    ["at least 0.97 of the best peer, bun:sqlite", true],
  ]);
});

/** One round of 64 callers: calls of their own, and batches by hand. */
function manyCallers(keys: number): Entry[] {
  const [callers, byHand] = [64, true];
  return [
    entry("floor", 0, 100_000, { callers, byHand, keys }),
    entry("answering_floor", 0, 80_000, { callers, keys }),
    entry("ministate", 0, 60_000, { callers, keys }),
    entry("ministate", 0, 90_000, { callers, byHand, keys }),
    entry("peers/bun_sqlite", 0, 3_000, { callers, keys }),
    entry("peers/bun_sqlite", 0, 61_000, { callers, byHand, keys }),
    entry("peers/redis", 0, 61_800, { callers, keys }),
  ];
}

test("verdictsOf() compares many callers with the floor that answers, peers that batch, SQLite", () => {
  const verdicts = verdictsOf(manyCallers(FEW_KEYS)).map(({ target, met }) => [target, met]);
  assertEquals(verdicts, [
    ["at least 0.75 of the floor that answers each caller", true],
    ["at least 0.97 of the best that batches, Redis", true],
    ["`applyAll`: at least 0.9 of the best SQLite, bun:sqlite, batching by hand", true],
  ]);
});

test("verdictsOf() wants to be ahead of every peer when there are many keys", () => {
  const verdicts = verdictsOf(manyCallers(KEY_COUNT)).map(({ target, met }) => [target, met]);
  assertEquals(verdicts, [
    ["at least 0.75 of the floor that answers each caller", true],
    ["at least 1 of the best that batches, Redis", false],
    ["`applyAll`: at least 1 of the best SQLite, bun:sqlite, batching by hand", true],
  ]);
});

test("lostRows() compares batches by hand with applyAll, too", () => {
  assertEquals(lostRows(manyCallers(FEW_KEYS)), [
    "Redis on bun does 1.03 times what we do",
    "bun:sqlite, batching by hand on bun does 1.02 times what we do",
  ]);
  const faster = entry("peers/lmdb", 0, 99_000, { callers: 64, byHand: true });
  assertEquals(
    lostRows([...manyCallers(FEW_KEYS), faster])[0],
    "lmdb, batching by hand on bun does 1.65 times what we do, and 1.10 times what `applyAll` does",
  );
});

test("lostRows() says who is faster, and by how much, also when it isn't durable", () => {
  const faster = [0, 1, 2].map((round) =>
    entry("peers/node_sqlite", round, [1080, 2280, 510][round]!)
  );
  assertEquals(lostRows([...threeRounds, ...faster]), [
    "lowdb on bun does 3.33 times what we do, but is not durable",
    "node:sqlite on bun does 1.20 times what we do",
  ]);
});

test("spread() of no figures is NaN", () => {
  assert(Number.isNaN(spread([]).median));
});

test("roundsOf() splits the turns of one process into rounds, and drops one that is not whole", () => {
  const slices = { warmUpMs: 0, sliceMs: 50, turns: 6, turnsPerRound: 2 };
  const done = (count: number): Entry["slices"] => Array.from({ length: count }, (_, i) => [i, 50]);
  const rounds = (more: Partial<Entry>) =>
    roundsOf(entry("peers/lmdb", 1, 0, more), slices)
      .map(({ round, slices, failure }) => [round, slices.map(([count]) => count), failure]);
  assertEquals(rounds({ slices: done(6) }), [
    [3, [0, 1], undefined],
    [4, [2, 3], undefined],
    [5, [4, 5], undefined],
  ]);
  const failure = "it ended with SIGKILL";
  assertEquals(rounds({ slices: done(3), failure }), [
    [3, [0, 1], undefined],
    [4, [2], failure],
    [5, [], failure],
  ]);
  // It took so long that it got no further turns.
  assertEquals(rounds({ slices: done(3) }).map(([, slices]) => slices), [[0, 1], [], []]);
});
