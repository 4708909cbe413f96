// Tests that reading takes time for the bytes in a file, not for its claimed size, and no longer for long lines.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CorruptionError, type DurableFs, StateManager } from "@ministate/ministate";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { TORN_SIZE_MAX } from "../../src/format/format.ts";
import { segmentFile } from "../../src/disk/names.ts";
import { SegmentReader } from "../../src/journal/segment_reader.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { findTailEvidence } from "../../src/recovery/tail_evidence.ts";
import { readSnapshot, verifySnapshot } from "../../src/snapshot/snapshot_file.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { metered } from "../../simulation/metered_fs.ts";
import { DIRECTORY, NAME } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { IDENTITY, type Part, segmentOf } from "../support/segment.ts";
import { type Hole, sparse } from "../support/sparse_fs.ts";

const MEBIBYTE = 1024 * 1024;
const HUGE = 3 * 1024 * MEBIBYTE;
/** More than the reader of one segment needs: a batch of the largest size, and three torn tails. */
const SEGMENT_READ_MAX = 96 * MEBIBYTE;
const utf8 = new TextEncoder();

const list = {
  initial: (): unknown[] => [],
  apply: (state: unknown[], value: unknown) => state.push(value),
};

function open(fs: DurableFs, onCorruption: "fail" | "quarantine" = "fail") {
  return StateManager.open(DIRECTORY, NAME, list, { fs, onCorruption, compaction: "manual" });
}

/** A directory with two snapshots, at 1 and 2, and three mutations. */
async function kept(value: unknown = "kept"): Promise<PowerCutDisk> {
  const disk = freshDisk();
  const manager = await open(disk);
  for (const mutation of [value, 2]) {
    await manager.apply(mutation);
    await manager.createSnapshot();
  }
  await manager.apply(3);
  await manager.close();
  return disk;
}

const snapshotsOf = (disk: PowerCutDisk) =>
  disk.paths(DIRECTORY).filter((path) => path.includes(".snapshot.")).sort();

/** How a snapshot is cut short before its hole, from its own bytes. */
const cuts: { name: string; cut: (whole: string) => string }[] = [
  { name: "its header", cut: (whole) => whole.slice(0, whole.indexOf("\n") + 1) },
  {
    name: "the beginning of a string",
    cut: (whole) => whole.slice(0, whole.indexOf("\n") + 1) + '[[],["kept',
  },
  { name: "all its lines", cut: (whole) => whole.slice(0, whole.lastIndexOf("{")) },
  { name: "the whole snapshot", cut: (whole) => whole },
];

for (const { name, cut } of cuts) {
  test(`a snapshot of ${name} and 3 GB of holes is passed over at once`, async () => {
    const disk = await kept();
    const path = snapshotsOf(disk).at(-1)!;
    disk.plant(path, utf8.encode(cut(new TextDecoder().decode(disk.peek(path)!))));
    const meter = metered(sparse(disk, new Map([[path, { size: HUGE, readMax: 4 * MEBIBYTE }]])));
    const limit = (what: string) => {
      assert(meter.bytesRead < 4 * MEBIBYTE, `${what} has read ${meter.bytesRead} bytes`);
      assert(meter.bufferMax < MEBIBYTE, `${what} asked for ${meter.bufferMax} bytes at once`);
    };
    const named = { path, name: path.slice(DIRECTORY.length + 1), sequence: 2, edition: 1 };
    for (const read of [readSnapshot, verifySnapshot]) {
      await assertRejects(() => read(meter.fs, named), CorruptionError);
      limit(read.name);
    }
    const inspection = await inspectState(meter.fs, DIRECTORY, NAME);
    assertEquals(inspection.snapshots.map(({ flaw }) => flaw === null), [true, false]);
    limit("inspectState()");
    const manager = await open(meter.fs);
    assertEquals(manager.state, ["kept", 2, 3]);
    assertEquals(manager.recovery.snapshotsSkipped.map(({ sequence }) => sequence), [2]);
    await manager.close();
    limit("open()");
  });
}

test("SnapshotStore passes over a snapshot of its header and 3 GB of holes", async () => {
  const disk = freshDisk();
  const store = await SnapshotStore.open(DIRECTORY, "s", { fs: disk });
  await store.create(1, { a: 1 });
  await store.create(2, { a: 2 });
  await store.close();
  const path = snapshotsOf(disk).at(-1)!;
  const whole = disk.peek(path)!;
  disk.plant(path, whole.slice(0, whole.indexOf(10) + 1));
  const meter = metered(sparse(disk, new Map([[path, { size: HUGE, readMax: 4 * MEBIBYTE }]])));
  const again = await SnapshotStore.open(DIRECTORY, "s", { fs: meter.fs });
  assertEquals((await again.restore())?.state, { a: 1 });
  await again.close();
  assert(meter.bytesRead < 4 * MEBIBYTE, `${meter.bytesRead} bytes were read`);
});

/** How many bytes the searches within typed arrays look at. */
async function searchedBytes(run: () => Promise<void>): Promise<number> {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype);
  const { indexOf, lastIndexOf, includes } = prototype;
  let count = 0;
  prototype.indexOf = function (this: Uint8Array, value: number, from = 0) {
    const found = indexOf.call(this, value, from);
    count += (found < 0 ? this.length : found + 1) - from;
    return found;
  };
  prototype.lastIndexOf = function (this: Uint8Array, value: number, from = this.length - 1) {
    const found = lastIndexOf.call(this, value, from);
    count += from - Math.max(found, 0) + 1;
    return found;
  };
  prototype.includes = function (this: Uint8Array, value: number) {
    count += this.length;
    return includes.call(this, value);
  };
  try {
    await run();
  } finally {
    Object.assign(prototype, { indexOf, lastIndexOf, includes });
  }
  return count;
}

test("readSnapshot() looks at each byte of a long line a few times, however long it is", async () => {
  for (const size of [MEBIBYTE, 4 * MEBIBYTE, 16 * MEBIBYTE]) {
    const disk = freshDisk();
    const store = await SnapshotStore.open(DIRECTORY, "s", { fs: disk });
    await store.create(1, { text: "x".repeat(size) });
    await store.close();
    const [path] = snapshotsOf(disk);
    const meter = metered(disk);
    const count = await searchedBytes(async () => {
      const named = {
        path: path!,
        name: path!.slice(DIRECTORY.length + 1),
        sequence: 1,
        edition: 1,
      };
      const { state } = await readSnapshot(meter.fs, named);
      assertEquals((state as { text: string }).text.length, size);
    });
    assert(count < 4 * size, `${count} bytes were searched for a string of ${size}`);
    assert(meter.bytesRead < size + MEBIBYTE, `${meter.bytesRead} bytes were read for ${size}`);
  }
});

/** Looks at what follows the damage of a segment with a hole. */
async function evidenceOf(parts: readonly Part[], hole: (end: Uint8Array) => Hole) {
  const { fs, file, starts } = segmentOf(parts);
  const whole = fs.peek(file.path)!;
  // The last part is after the hole.
  const split = starts.at(-1)!;
  fs.plant(file.path, whole.slice(0, split));
  const meter = metered(sparse(fs, new Map([[file.path, hole(whole.slice(split))]])));
  const reader = await SegmentReader.open(meter.fs, file);
  while (await reader.read() !== null);
  const { bytesRead } = meter;
  const { soundEnd } = reader;
  const evidence = await findTailEvidence(reader, soundEnd, fs.crc32);
  await reader.close();
  return { evidence, soundEnd, bytesRead: meter.bytesRead - bytesRead };
}

test("findTailEvidence() of a hole reads no more than three torn tails, whatever the size of the file", async () => {
  for (const size of [TORN_SIZE_MAX + 9 * MEBIBYTE, 64 * MEBIBYTE, HUGE, 2 ** 50]) {
    const { evidence, bytesRead } = await evidenceOf(
      [{ pad: 1 }, { text: "" }],
      () => ({ size, readMax: SEGMENT_READ_MAX }),
    );
    assert(bytesRead < 3 * TORN_SIZE_MAX, `${bytesRead} bytes of ${size} were read`);
    assertEquals([evidence.proof, evidence.writtenEnd], [null, size]);
  }
});

test("findTailEvidence() names the last record after a hole of any size", async () => {
  for (const size of [MEBIBYTE, TORN_SIZE_MAX, TORN_SIZE_MAX + 9 * MEBIBYTE, HUGE]) {
    const parts = [{ pad: 1 }, { pad: 1, rotten: true }, { pad: 1 }, { pad: 1, count: 7 }];
    const { evidence } = await evidenceOf(
      parts,
      (end) => ({ size: size + end.length, readMax: SEGMENT_READ_MAX, end }),
    );
    assertEquals([evidence.proof?.sequenceFirst, evidence.proof?.sequenceLast], [3, 10]);
  }
});

test("findTailEvidence() reads on past zeros that a power cut could have left", async () => {
  // Each of them far from the end, so that skipping to the end would miss the proof.
  const { evidence } = await evidenceOf(
    [
      { pad: 1, rotten: true },
      { text: "\0".repeat(TORN_SIZE_MAX - MEBIBYTE) },
      { pad: 1 },
      ...Array(3).fill({ text: "x".repeat(8 * MEBIBYTE) + "\n" }),
      { text: "" },
    ],
    (end) => ({ size: 45 * MEBIBYTE, readMax: SEGMENT_READ_MAX, end }),
  );
  assertEquals(evidence.proof?.sequenceLast, 2);
});

test("findTailEvidence() remembers a hole that only line feeds follow", async () => {
  // No power cut leaves so many zeros, and the end of the file, which is looked at next, has nothing else to show.
  const { evidence, soundEnd } = await evidenceOf(
    [{ pad: 1 }, { lineFeeds: TORN_SIZE_MAX + MEBIBYTE }],
    (end) => ({ size: 64 * MEBIBYTE, readMax: SEGMENT_READ_MAX, end }),
  );
  const written = evidence.writtenEnd - soundEnd;
  assert(written > TORN_SIZE_MAX, `${written} bytes count as written`);
});

async function sparseJournal(size: number) {
  const disk = freshDisk();
  const manager = await open(disk);
  await manager.apply("kept");
  await manager.close();
  const { path } = segmentFile({ ...IDENTITY, directory: DIRECTORY, stem: "w" }, 1);
  return {
    disk,
    path,
    meter: metered(sparse(disk, new Map([[path, { size, readMax: SEGMENT_READ_MAX }]]))),
  };
}

test("open() and inspectState() refuse a segment of 3 GB of holes without reading it to its end", async () => {
  const { meter } = await sparseJournal(HUGE);
  await assertRejects(() => open(meter.fs), CorruptionError);
  assert(meter.bytesRead < 100 * MEBIBYTE, `open() has read ${meter.bytesRead} bytes`);
  meter.bytesRead = 0;
  assertEquals((await inspectState(meter.fs, DIRECTORY, NAME)).verdict, "corrupt");
  assert(meter.bytesRead < 200 * MEBIBYTE, `inspectState() has read ${meter.bytesRead} bytes`);
});

test('open() with "quarantine" sets a segment of holes aside as one, with its size', async () => {
  const size = 64 * MEBIBYTE;
  const { disk, meter } = await sparseJournal(size);
  const manager = await open(meter.fs, "quarantine");
  assertEquals(manager.state, ["kept"]);
  const [aside] = manager.recovery.lost!.quarantined;
  assertEquals(disk.peek(aside!)!.length, size);
  assert(meter.bytesWritten < MEBIBYTE, `${meter.bytesWritten} bytes were written`);
  await manager.close();
});
