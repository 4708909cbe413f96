// Tests what a writer does with its segments: how large they grow, when they are sealed, and what a passing failure costs.

import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  DiskFullError,
  type DurableFile,
  type DurableFs,
  IoError,
  type OpenMode,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { freshDisk } from "../../simulation/workloads.ts";
import { DIRECTORY, NAME, World } from "../../simulation/world.ts";
import { segmentFile } from "../../src/disk/names.ts";
import { BatchEncoder } from "../../src/format/encode.ts";
import { FILL_RESERVE } from "../../src/format/format.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import { SegmentReader } from "../../src/journal/segment_reader.ts";
import { SegmentWriter } from "../../src/journal/segment_writer.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { openLedger } from "../support/samples.ts";
import { beginningOf } from "../support/segment.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

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
    identity: () => of.identity(),
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

test("apply() fills a segment to exactly segmentSizeMax bytes", async () => {
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

test("append() keeps a seal in place when it was written after a fill that had been released", async () => {
  const fs = freshDisk();
  await fs.makeDirectory(DIRECTORY);
  const identity = {
    directory: DIRECTORY,
    stem: "w",
    edition: 1,
    editionFirsts: [],
    id: "0",
    mutator: null,
    version: 1,
  };
  const file = segmentFile(identity, 1);
  const header = beginningOf(segmentHeader(identity, 1, { checksum: null }, 0));
  const writer = await SegmentWriter.create(fs, DIRECTORY, file, header, true);
  const encoder = new BatchEncoder(fs.crc32);
  await writer.append(encoder.encode(["1"], 0, 0, writer.seed));
  await writer.trim();
  await writer.writeSeal({ sequence: 1 });
  await writer.append(encoder.encode(["2"], 1, 0, writer.seed));
  await writer.close();
  const lines = new TextDecoder().decode(fs.peek(file.path)!).trimEnd().split("\n");
  assertEquals(lines.map((line) => line.slice(0, 5)), ['{"min', "[1,1,", '{"sea', "[2,2,"]);
});

/** A segment of the writer's own, with batches of one text each. */
async function freshSegment() {
  const fs = freshDisk();
  await fs.makeDirectory(DIRECTORY);
  const identity = {
    directory: DIRECTORY,
    stem: "w",
    edition: 1,
    editionFirsts: [],
    id: "0",
    mutator: null,
    version: 1,
  };
  const file = segmentFile(identity, 1);
  const header = beginningOf(segmentHeader(identity, 1, { checksum: null }, 0));
  const writer = await SegmentWriter.create(fs, DIRECTORY, file, header, true);
  const encoder = new BatchEncoder(fs.crc32);
  let sequence = 0;
  const append = async (size: number) => {
    const text = JSON.stringify("x".repeat(size));
    await writer.append(encoder.encode([text], sequence, 0, writer.seed));
    sequence++;
  };
  return { fs, file, writer, append };
}

test("append() leaves every batch unchanged when small and large ones alternate", async () => {
  const { fs, file, writer, append } = await freshSegment();
  const sizes = [10, 300_000, 10, 70_000, 3_000_000, 10, 10, 200_000, 10];
  for (const size of sizes) await append(size);
  await writer.close();
  const reader = await SegmentReader.open(fs, file);
  const found: number[] = [];
  for (let batches; (batches = await reader.read()) !== null;) {
    for (const { mutations } of batches) found.push(`${mutations[0]}`.length);
  }
  await reader.close();
  assertEquals(found, sizes);
});

test("append() syncs only data as long as the space was filled ahead", async () => {
  const { fs, writer, append } = await freshSegment();
  const before = fs.log.length;
  for (let i = 0; i < 400; i++) await append(1000);
  const calls = fs.log.slice(before).map((call) => call.split(" ")[0]);
  const count = (name: string) => calls.filter((call) => call === name).length;
  assertEquals(count("syncData") + count("syncAll"), 400);
  // Twice as much each time.
  assertEquals(count("syncAll"), 5);
  await writer.close();
});

test("append() writes no fill for the first batch of a process, and only checks that the reserve is free", async () => {
  const world = new World();
  const fs = freshDisk();
  for (let life = 1; life <= 3; life++) {
    const manager = await world.open(fs);
    const before = fs.log.length;
    await world.apply(manager);
    await manager.close();
    const calls = fs.log.slice(before).map((call) => call.split(" ")[0]);
    // The reserve, the batch, their cut and sync; the seal and its sync.
    assertEquals(calls.filter((call) => /^(write|truncate|sync)/.test(call!)), [
      "write",
      "write",
      "truncate",
      "syncAll",
      "write",
      "syncAll",
    ]);
    assertEquals(manager.stats().sinceOpen.cardBytes, 3 * 4096);
  }
});

test("close() cuts the fill off with the sync of the seal", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  await world.apply(manager);
  const before = fs.log.length;
  await manager.close();
  const calls = fs.log.slice(before).map((call) => call.split(" ")[0]);
  assertEquals(calls.filter((call) => /^(write|truncate|sync)/.test(call!)), [
    "write",
    "truncate",
    "syncAll",
  ]);
});

test("append() leaves nothing of the first batch when the disk had room for a part of it", async () => {
  const { fs, file, writer, append } = await freshSegment();
  const before = fs.peek(file.path)!;
  fs.spaceLeft = 4096;
  await assertRejects(() => append(20_000), DiskFullError);
  fs.spaceLeft = Infinity;
  await append(10);
  await writer.close();
  const text = new TextDecoder().decode(fs.peek(file.path)!);
  assertEquals(text.trimEnd().split("\n").length, 2);
  assertEquals(text.slice(0, before.length), new TextDecoder().decode(before));
});

test("append() leaves nothing of a batch that didn't fit on the disk", async () => {
  const { fs, file, writer, append } = await freshSegment();
  await append(10);
  for (const size of [100, 20_000, 50_000]) {
    const before = fs.peek(file.path)!;
    fs.fault = { at: fs.calls + 1, how: "ENOSPC" };
    await assertRejects(() => append(size), DiskFullError);
    fs.fault = null;
    assertEquals(fs.peek(file.path), before);
  }
  await append(10);
  await writer.close();
});

test("append() fills less ahead on a disk that has no room for more, but always the reserve", async () => {
  const { fs, writer, append } = await freshSegment();
  await append(10);
  // Far less than is filled otherwise.
  fs.spaceLeft = FILL_RESERVE;
  await append(60_000);
  await assertRejects(() => append(20_000), DiskFullError);
  await writer.close();
});

test("createSnapshot() finds room on a full disk in the space that was filled ahead", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  await world.apply(manager);
  fs.spaceLeft = 0;
  assertEquals((await manager.createSnapshot()).sequence, 2);
  fs.spaceLeft = Infinity;
  assert(await world.apply(manager));
  await manager.close();
});

test("createSnapshot() writes nothing when the newest snapshot is of this sequence and sound", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  const first = await manager.createSnapshot();
  const before = fs.log.length;
  assertEquals(await manager.createSnapshot(), first);
  const changes = fs.log.slice(before).filter((call) => /^(write|create|rename|sync)/.test(call));
  assertEquals(changes, []);
  fs.flipBit(first.path, first.size - 3, 0);
  assertEquals(await manager.createSnapshot(), first);
  assert(fs.log.slice(before).some((call) => call.startsWith("rename")));
  await manager.close();
});

test("changes(), stateAt() and replay() leave no file open, whether read to the end or not", async () => {
  const world = new World();
  const fs = freshDisk();
  const open = new Set<DurableFile>();
  const disk = opening(fs, async (path, mode) => {
    const opened = await fs.open(path, mode);
    const counted: DurableFile = file(opened, {
      close() {
        open.delete(counted);
        return opened.close();
      },
    });
    open.add(counted);
    return counted;
  });
  const manager = await world.open(disk);
  for (let i = 0; i < 3; i++) await world.apply(manager);
  await manager.createSnapshot();
  await world.apply(manager);
  assertEquals(open.size, 1);
  for await (const { sequence } of manager.changes({ from: 1 })) if (sequence === 2) break;
  assertEquals((await manager.stateAt(2)).ids.length, 2);
  assertEquals(open.size, 1);
  await manager.close();
  const journal = await Journal.open(DIRECTORY, NAME, { fs: disk });
  assertEquals((await Array.fromAsync(journal.replay({ from: 2, to: 3 }))).length, 2);
  for await (const { sequence } of journal.replay({ from: 1 })) if (sequence === 1) break;
  assertEquals(open.size, 1);
  await journal.close();
  assertEquals(open.size, 0);
});

test("open() says that the journal is not sealed when a torn tail follows the seal", async () => {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  await manager.close();
  const path = segmentsOf(fs)[0]!;
  const torn = new TextEncoder().encode('[2,{"id":2');
  fs.plant(path, new Uint8Array([...fs.peek(path)!, ...torn]));
  const again = await world.open(fs);
  assertEquals([again.recovery.torn?.sequence, again.recovery.sealed], [2, false]);
  await again.close();
});

test("apply() rejects once and works again when a new segment failed before it had its name", async () => {
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
    // It costs space only: every batch in that segment is durable.
    assert(await world.apply(manager, 40_000), `${world.refusals}`);
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

test("close() writes a seal when the journal was opened without one", async () => {
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

test("no seal is written once the journal is closing, and nothing after a seal that failed", async () => {
  await using directory = await temporaryDirectory();
  const closing = directory.join("closing");
  let isClosing = false;
  const sleep = () => new Promise((resolve) => setTimeout(resolve, 20));
  // The idle time is over while the seal of close() is being synced.
  const slow = await wrapFs(async ({ name }) => {
    if (isClosing && name === "syncAll") await sleep();
  });
  const manager = await openLedger(closing, { fs: slow, sealAfterIdleMs: 1 });
  const pending = manager.apply("last");
  isClosing = true;
  await manager.close();
  await pending;
  const text = await readFile(manager.journalPath, "utf8");
  assertEquals(text.match(/^\{"seal"/gm)?.length, 1);
  await using again = await openLedger(closing);
  assertEquals([again.recovery.sealed, again.sequence], [true, 1]);

  let fails = false;
  let failures = 0;
  const fs = await wrapFs(({ name }) => {
    if (!fails || name !== "syncAll") return;
    failures++;
    throw systemError("EIO");
  });
  const idle = await openLedger(directory.join("idle"), { fs, sealAfterIdleMs: 1 });
  await idle.apply("first");
  fails = true;
  await until(() => failures > 0);
  fails = false;
  const error = await idle.apply("second").catch((cause) => cause);
  assertEquals([error.code, idle.snapshot()], ["POISONED", { entries: ["first"] }]);
  await idle.close();
});
