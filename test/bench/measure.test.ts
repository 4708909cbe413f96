// Runs what the benchmark measures once each, so that a change of the files' format can't break it unnoticed.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Reading } from "../../bench/support/workload.ts";
import { fillStore, workOf } from "../../bench/w1_w2_commits/callers.ts";
import { contender as answeringFloor } from "../../bench/contenders/answering_floor.ts";
import { contender as floor } from "../../bench/contenders/floor.ts";
import { contender as ministate } from "../../bench/contenders/ministate.ts";
import { FEW_KEYS, KEY_COUNT } from "../../bench/support/workload.ts";
import { generate, measureOpen, measureReading } from "../../bench/w3_opening/measure.ts";
import {
  generateLarge,
  measureOpenLarge,
  measureParsing,
} from "../../bench/w4_large_state/measure.ts";
import { temporaryDirectory } from "../support/temporary.ts";

for (const contender of [floor, answeringFloor, ministate]) {
  test(`${contender.name}: one caller, several, and a batch by hand are counted`, async () => {
    await using temporary = await temporaryDirectory();
    const store = await contender.open(temporary.path);
    await fillStore(store, FEW_KEYS);
    const manners = [[1, false], [8, false], [8, true]] as const;
    for (const [callers, byHand] of manners) {
      if (byHand && !contender.batchesByHand) continue;
      const work = workOf(store, { callers, byHand, keys: FEW_KEYS });
      const timeThatIsOver = 0;
      assertEquals(await work(timeThatIsOver), callers);
    }
    await store.close();
  });
}

test("no key is ever given the value that it has already, which SQLite would not write", async () => {
  const values = new Map<string, number>();
  const commit = ({ key, value }: Reading) => {
    assertEquals(values.get(key) === value, false, `${key} has ${value} already`);
    values.set(key, value);
  };
  const store = {
    commit,
    commitMany: (some: readonly Reading[]) => some.forEach(commit),
    close() {},
  };
  await fillStore(store, FEW_KEYS);
  const work = workOf(store, { callers: 8, byHand: true, keys: FEW_KEYS });
  // More often than there are values for each key.
  for (let i = 0; i < FEW_KEYS * 2; i++) await work(0);
  assertEquals(values.size, FEW_KEYS);
});

test("W3: the journal opens, and the floor reads the same state from it", async () => {
  await using temporary = await temporaryDirectory();
  await generate(temporary.path, KEY_COUNT + 1, 64);
  // Both throw when the state is not what was journaled.
  assertEquals((await measureOpen(temporary.path)).replayed, KEY_COUNT + 1);
  measureReading(temporary.path);
});

test("W4: the snapshot opens, and the floor has as many keys", async () => {
  await using temporary = await temporaryDirectory();
  await generateLarge(temporary.path, 1000);
  assertEquals((await measureOpenLarge(temporary.path, 1000)).replayed, 0);
  measureParsing(temporary.path, 1000);
});
