// Tests how a compaction and its callers are kept in step, with numbers alone.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Backpressure } from "../../src/state/backpressure.ts";
import type { JournalGrowth } from "../../src/state/journal_growth.ts";

const MEBIBYTE = 2 ** 20;

function pressureOver(due: number) {
  const growth = { size: 0 };
  return { growth, pressure: new Backpressure(growth as JournalGrowth, () => due) };
}

/** Whether a batch of this size would have to wait. */
const waits = (pressure: Backpressure, size = 0) => pressure.pause(() => size) !== null;

test("pause() lets everyone pass when no compaction is under way", () => {
  const { growth, pressure } = pressureOver(1000);
  growth.size = 1e9;
  assert(!waits(pressure));
  pressure.begin(100);
  assert(waits(pressure));
  pressure.end();
  assert(!waits(pressure));
});

test("pause() lets the journal grow with the progress of the compaction, up to five fourths of the usual length", () => {
  const { growth, pressure } = pressureOver(1600);
  pressure.begin(100);
  const rows = [[0, 500], [50, 1250], [100, 2000], [300, 2000]] as const;
  let done = 0;
  for (const [progress, allowed] of rows) {
    pressure.advance(progress - done);
    done = progress;
    growth.size = allowed;
    assert(!waits(pressure), `${allowed} at ${progress}`);
    assert(waits(pressure, 1), `a byte more at ${progress}`);
  }
});

test("a paused batch is looked at again when the compaction progresses, and when it ends", async () => {
  const { growth, pressure } = pressureOver(1000);
  growth.size = 1000;
  for (const free of [() => pressure.advance(1), () => pressure.end()]) {
    pressure.begin(100);
    let isFree = false;
    const paused = pressure.pause(() => 0)!.then(() => isFree = true);
    assertEquals(pressure.pause(() => 0) !== null, true, "a second look before anything happened");
    await undefined;
    assert(!isFree);
    free();
    await paused;
  }
});

test("pieces take longer the further a compaction is behind, up to a limit", () => {
  const { growth, pressure } = pressureOver(1600);
  const took = [0, 250, 500, 1000, 4000].map((size) => {
    growth.size = size;
    return pressure.pieceMs;
  });
  assertEquals(took, [0.25, 1.25, 2.25, 4, 4]);
});

for (const size of [1, 10, 100]) {
  test(`a directory with a state of ${size} MiB stays below twice its promised size when a compaction is far slower than its callers`, () => {
    const snapshot = size * MEBIBYTE, compactionSize = 8 * MEBIBYTE, segment = 8 * MEBIBYTE;
    const due = Math.max(compactionSize, snapshot);
    const { growth, pressure } = pressureOver(due);
    // The journal after each kept snapshot, the older one first.
    const kept = [due, due];
    let most = 0;
    for (let round = 0; round < 10; round++) {
      while (growth.size <= due) growth.size += MEBIBYTE;
      kept.push(growth.size);
      growth.size = 0;
      const work = 6 * snapshot + due;
      pressure.begin(work);
      for (let done = 0; done < work; done += 16 * 1024) {
        // As many batches as may pass, each as large as a batch of many calls gets.
        while (!waits(pressure, MEBIBYTE)) growth.size += MEBIBYTE;
        pressure.advance(16 * 1024);
      }
      // The fill ahead, and three snapshots until the oldest is deleted.
      const journal = kept.reduce((sum, part) => sum + part, growth.size + MEBIBYTE);
      most = Math.max(most, 3 * snapshot + journal - kept[0]!);
      pressure.end();
      kept.shift();
    }
    const promised = 2 * (snapshot + due) + segment;
    assert(most <= 2 * promised, `${most / promised}`);
    assert(most > promised, "callers are slowed down more than need be");
  });
}
