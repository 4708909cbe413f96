// Tests `salvage()` on random histories with random damage, against what was journaled.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { freshDisk } from "../../simulation/workloads.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { SegmentReader } from "../../src/journal/segment_reader.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { salvage } from "../../src/recovery/salvage.ts";
import { planSalvage } from "../../src/recovery/salvage_targets.ts";
import { Random, testSeed } from "../support/random.ts";
import { journalName, openCounter } from "../support/samples.ts";

const DIRECTORY = "/data/state";

/** Bytes that belong together, and whether damage has hit them. */
interface Piece {
  from: number;
  to: number;
  first: number;
  last: number;
  hit: boolean;
}

/** The header of a segment, and its batches. */
async function wholeBatches(disk: PowerCutDisk, path: string): Promise<Piece[]> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const sequence = Number(name.slice(5, 21));
  const reader = await SegmentReader.open(disk, { name, path, sequence, edition: 1 });
  const pieces: Piece[] = [{ from: 0, to: reader.headerEnd, first: 0, last: 0, hit: false }];
  await reader.readSound((
    { offset: from, offsetEnd: to, sequenceFirst: first, sequenceLast: last },
  ) => pieces.push({ from, to, first, last, hit: false }));
  await reader.close();
  return pieces;
}

test("salvage() of a random history with random damage finds all that is whole, and only that", async () => {
  const seed = testSeed("salvage");
  const counts = { salvaged: 0, open: 0 };
  for (let i = 0; i < 300; i++) {
    const random = new Random(seed + i);
    const disk = freshDisk();
    const truth: { by: number; refused: boolean }[] = [];
    {
      await using manager = await openCounter(DIRECTORY, { fs: disk, compaction: "manual" });
      for (let j = 2 + random.below(12); j >= 0; j--) {
        const calls = Array.from({ length: 1 + random.below(4) }, () => random.below(40) - 12);
        await Promise.all(calls.map(async (by) => {
          const call = { by, refused: false };
          truth.push(call);
          await manager.apply({ by }).catch(() => call.refused = true);
        }));
        if (random.below(5) === 0) {
          const { path } = await manager.createSnapshot();
          await disk.remove(path);
        }
      }
    }
    const segments = (await disk.list(DIRECTORY)).map(({ name }) => name)
      .filter((name) => name.endsWith(".wal.jsonl")).sort();
    const path = `${DIRECTORY}/${segments[random.below(segments.length)]!}`;
    const whole = await wholeBatches(disk, path);
    const bytes = disk.peek(path)!.slice();
    for (let places = 1 + random.below(2); places > 0; places--) {
      const at = random.below(bytes.length);
      const end = Math.min(bytes.length, at + 1 + random.below(80));
      bytes.fill(0x2a, at, end);
      for (const batch of whole) batch.hit ||= at < batch.to && end > batch.from;
    }
    disk.plant(path, bytes);
    const { nextOpen } = await inspectState(disk, DIRECTORY, journalName);
    const found = new Set<number>();
    for (let sequence = 1; sequence <= nextOpen.sequence; sequence++) found.add(sequence);
    const { id, targets } = await planSalvage(disk, DIRECTORY, "test");
    const report = await salvage(disk, targets, id, async (records) => {
      for (const { sequence, mutation, refused } of records) {
        assert(!found.has(sequence));
        found.add(sequence);
        const { by, refused: wasRefused } = truth[sequence - 1]!;
        assertEquals(mutation, { by });
        if (refused === null) counts.open++;
        else assertEquals(refused, wasRefused);
        counts.salvaged++;
      }
      await Promise.resolve();
    });
    const [header, ...batches] = whole;
    for (const { hit, first, last } of header!.hit ? [] : batches) {
      for (let sequence = first; !hit && sequence <= last; sequence++) {
        assert(found.has(sequence), JSON.stringify({ seed: seed + i, sequence, report }));
      }
    }
    for (let sequence = 1; sequence <= truth.length; sequence++) {
      const isTold = report.unproven.some(({ sequenceFirst, sequenceLast }) =>
        sequenceFirst <= sequence && sequence <= (sequenceLast ?? Infinity)
      );
      const isTorn = nextOpen.torn !== null && sequence > nextOpen.sequence;
      const details = JSON.stringify({ seed: seed + i, sequence, path, report, nextOpen });
      assertEquals(found.has(sequence) || isTorn, !isTold, details);
    }
  }
  assert(counts.salvaged > 1000 && counts.open > 10, JSON.stringify(counts));
});
