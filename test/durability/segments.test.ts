// What a writer does with its segments: how large they grow, when they are sealed, and what a passing failure costs.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { type DurableFile, type DurableFs, IoError, type OpenMode } from "@ministate/ministate";
import type { PowerCutDisk } from "../../runtime/simulated/power_cut_disk.ts";
import { BatchEncoder } from "../../src/format/encode.ts";
import { segmentFile } from "../../src/format/names.ts";
import { segmentHeader } from "../../src/journal/journal_writer.ts";
import { SegmentWriter } from "../../src/journal/segment_writer.ts";
import { DIRECTORY, World } from "../simulation/world.ts";
import { freshDisk } from "../simulation/workloads.ts";

const SEGMENT_SIZE_MAX = 64 * 1024;

function segmentsOf(fs: PowerCutDisk): string[] {
  return fs.paths(DIRECTORY).filter((path) => path.endsWith(".wal.jsonl"));
}

/** The disk, with files opened through `open`. */
function opening(
  fs: PowerCutDisk,
  open: (path: string, mode: OpenMode) => Promise<DurableFile>,
): PowerCutDisk {
  return new Proxy(fs, {
    get(target, key) {
      if (key === "open") return open;
      const value = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The file, with some of its methods replaced. */
function file(of: DurableFile, replaced: Partial<DurableFile>): DurableFile {
  return {
    read: (buffer, offset) => of.read(buffer, offset),
    write: (buffer, offset) => of.write(buffer, offset),
    syncData: () => of.syncData(),
    syncAll: () => of.syncAll(),
    truncate: (size) => of.truncate(size),
    size: () => of.size(),
    close: () => of.close(),
    ...replaced,
  };
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: planted by a test`), { code });
}

test("apply() begins a new segment before a batch would carry the current one over segmentSizeMax", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs, { segmentSizeMax: SEGMENT_SIZE_MAX });
  for (let i = 0; i < 5; i++) await world.apply(manager, 30_000);
  await manager.close();
  const sizes = segmentsOf(fs).map((path) => fs.peek(path)!.length);
  assertEquals(sizes.length, 3);
  for (const size of sizes) assert(size <= SEGMENT_SIZE_MAX, `a segment of ${size} bytes`);
});

test("apply() fills a segment up to segmentSizeMax to the byte", async () => {
  const sizeAfter = async (padSize: number) => {
    const world = new World();
    const fs = freshDisk();
    const manager = await world.open(fs, { segmentSizeMax: SEGMENT_SIZE_MAX });
    await world.apply(manager, padSize);
    await world.apply(manager, 30_000);
    const [first, second] = segmentsOf(fs);
    const text = new TextDecoder().decode(fs.peek(first!)!);
    return { size: text.trimEnd().length + 1, rotated: second !== undefined };
  };
  const { size } = await sizeAfter(20_000);
  const fits = 20_000 + SEGMENT_SIZE_MAX - size;
  assertEquals(await sizeAfter(fits), { size: SEGMENT_SIZE_MAX, rotated: false });
  assertEquals((await sizeAfter(fits + 1)).rotated, true);
});

test("append() keeps a seal in place when it was written behind a fill that had been given back", async () => {
  const fs = freshDisk();
  await fs.makeDirectory(DIRECTORY);
  const identity = { directory: DIRECTORY, stem: "w", id: "0", mutator: null, version: 1 };
  const named = segmentFile(identity, 1);
  const header = segmentHeader(identity, 1, 0);
  const writer = await SegmentWriter.create(fs, DIRECTORY, named, header);
  const encoder = new BatchEncoder(fs.crc32);
  await writer.append(encoder.encode(["1"], 0, 0, writer.seed));
  await writer.trim();
  await writer.seal(1);
  await writer.append(encoder.encode(["2"], 1, 0, writer.seed));
  await writer.close();
  const lines = new TextDecoder().decode(fs.peek(named.path)!).trimEnd().split("\n");
  assertEquals(lines.map((line) => line.slice(0, 5)), ['{"min', "[1,1,", '{"sea', "[2,2,"]);
});

test("apply() rejects once and works again when a new segment could not be begun before it had its name", async () => {
  const world = new World();
  const fs = freshDisk();
  let refuse = false;
  const disk = opening(fs, (path, mode) => {
    if (!refuse || mode !== "create") return fs.open(path, mode);
    refuse = false;
    return Promise.reject(failure("EMFILE"));
  });
  const manager = await world.open(disk, { segmentSizeMax: SEGMENT_SIZE_MAX });
  await world.apply(manager, 40_000);
  refuse = true;
  const error = await assertRejects(() => manager.apply({ id: 1, pad: "x".repeat(40_000) }));
  assert(error instanceof IoError);
  assertEquals(error.systemCode, "EMFILE");
  assertEquals((await manager.apply({ id: 2, pad: "x".repeat(40_000) })).sequence, 2);
  await manager.close();
  assertEquals(segmentsOf(fs).length, 2);
});

for (const code of ["ENOSPC", "EIO"]) {
  test(`apply() leaves no file open when a full segment can't be trimmed for ${code}`, async () => {
    const world = new World();
    const fs = freshDisk();
    const open = new Set<DurableFile>();
    let refuse = false;
    const disk: DurableFs = opening(fs, async (path, mode) => {
      const opened = await fs.open(path, mode);
      const counted: DurableFile = file(opened, {
        truncate: (size) => refuse ? Promise.reject(failure(code)) : opened.truncate(size),
        close() {
          open.delete(counted);
          return opened.close();
        },
      });
      open.add(counted);
      return counted;
    });
    const manager = await world.open(disk as PowerCutDisk, { segmentSizeMax: SEGMENT_SIZE_MAX });
    await world.apply(manager, 40_000);
    refuse = true;
    // A full disk is a matter of space only; after another failure nobody knows what the segment holds.
    assertEquals(await world.apply(manager, 40_000), code === "ENOSPC");
    assertEquals(open.size, 1);
    refuse = false;
    await manager.close();
    assertEquals(open.size, 0);
  });
}

test("close() writes no further seal when nothing was applied since the last one", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  await manager.close();
  const before = fs.peek(segmentsOf(fs)[0]!);
  for (let i = 0; i < 2; i++) {
    const again = await world.open(fs);
    assert(again.recovery.sealed);
    await again.close();
  }
  assertEquals(segmentsOf(fs).map((path) => fs.peek(path)), [before]);
});

test("close() writes a seal when the journal it opened had none", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  const disk = fs.crash();
  const second = await world.open(disk);
  assertEquals(second.recovery.sealed, false);
  await second.close();
  const third = await world.open(disk);
  assertEquals(third.recovery.sealed, true);
  await third.close();
});
