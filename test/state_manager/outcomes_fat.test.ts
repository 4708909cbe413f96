// Tests that refusals stay recorded on FAT, where a new segment is an empty file until its first sync.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { PowerCutDisk, Random } from "@ministate/ministate/testing";
import { EXTREMES } from "../../testing/disk/power_cut.ts";
import { failureOf } from "../support/errors.ts";

interface Counter {
  n: number;
}

/** Counts, and refuses steps of more than `limit`. */
const upTo = (limit: number) => ({
  initial: (): Counter => ({ n: 0 }),
  apply(state: Counter, by: number) {
    if (by > limit) throw new RangeError(`more than ${limit}`);
    return state.n += by;
  },
});

const open = (fs: PowerCutDisk, limit: number) =>
  StateManager.open("/state", "c.wal.jsonl", upTo(limit), { fs, compaction: "manual" });

const cutOnFat = (disk: PowerCutDisk) => disk.powerCut(EXTREMES.blank, new Random(1));

test("a snapshot on FAT is not durable before the record of the refusals before it", async () => {
  const disk = new PowerCutDisk();
  const manager = await open(disk, 5);
  await failureOf(() => manager.apply(9));
  await manager.createSnapshot();
  const again = await open(cutOnFat(disk), 10);
  assertEquals(again.recovery.snapshot?.sequence, 1);
  const changes = again.changes({ from: 1, follow: false });
  assertEquals((await changes.next()).value?.refused, true);
});

test("a segment that open() begins in place of an empty one records what it found to be refused", async () => {
  let replaced = 0;
  for (let at = 1, isCut = true; isCut; at++) {
    const disk = new PowerCutDisk();
    const manager = await open(disk, 5);
    await failureOf(() => manager.apply(9));
    disk.cutAt = disk.calls + at;
    isCut = await manager.createSnapshot().then(() => false, () => true);
    const next = cutOnFat(disk);
    const same = await open(next, 5);
    // Otherwise nothing has been written yet, and the last batch is still undecided.
    if (same.recovery.torn?.size !== 0) continue;
    replaced++;
    const generous = await open(next.crash(), 10);
    assertEquals(generous.snapshot(), { n: 0 }, `cut at ${at}`);
  }
  assert(replaced > 0, "no cut left an empty segment");
});

test("a segment that replaces an empty one after a snapshot lists what the one before has listed", async () => {
  const migrate = { state: (state: unknown) => state, mutation: (mutation: unknown) => mutation };
  const update = { ...upTo(5), version: 2, migrate };
  const disk = new PowerCutDisk();
  const first = await open(disk, 5);
  await failureOf(() => first.apply(9));
  await first.close();
  const options = { fs: disk, compaction: "manual" } as const;
  const updated = await StateManager.open("/state", "c.wal.jsonl", update, options);
  const path = updated.journalPath;
  const image = disk.crash();
  image.plant(path, new Uint8Array());
  await StateManager.open("/state", "c.wal.jsonl", update, { ...options, fs: image });
  const [header] = new TextDecoder().decode(image.peek(path)!).split("\n");
  assertEquals(JSON.parse(header!).refused, [[1, 1]]);
});
