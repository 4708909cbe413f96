// Tests what a segment's writer and reader do when single calls on the file fail.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  DiskFullError,
  type DurableFile,
  type DurableFs,
  IoError,
  PoisonedError,
} from "@ministate/ministate";
import { BatchEncoder } from "../../src/format/encode.ts";
import { segmentFile } from "../../src/disk/names.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import { SegmentReader } from "../../src/journal/segment_reader.ts";
import { SegmentWriter } from "../../src/journal/segment_writer.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { beginningOf, IDENTITY, segmentOf } from "../support/segment.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** What each call of a file fails with; a write takes half of the bytes at first where `writesHalf` is set. */
interface Failures {
  write?: string;
  truncate?: string;
  size?: string;
  rename?: string;
  syncDirectory?: string;
  writesHalf?: boolean;
}

function failing(inner: DurableFs, failures: Failures): DurableFs {
  const fail = (call: "write" | "truncate" | "size" | "rename" | "syncDirectory") => {
    const code = failures[call];
    if (code !== undefined) throw systemError(code);
  };
  const wrap = (file: DurableFile): DurableFile => ({
    read: (buffer, offset) => file.read(buffer, offset),
    write(bytes, offset) {
      if (failures.writesHalf) {
        failures.writesHalf = false;
        return file.write(bytes.subarray(0, bytes.length >> 1), offset);
      }
      fail("write");
      return file.write(bytes, offset);
    },
    truncate(size) {
      fail("truncate");
      return file.truncate(size);
    },
    size() {
      fail("size");
      return file.size();
    },
    syncData: () => file.syncData(),
    syncAll: () => file.syncAll(),
    identity: () => file.identity(),
    close: () => file.close(),
  });
  return {
    open: async (path, mode) => wrap(await inner.open(path, mode)),
    async rename(from, to) {
      fail("rename");
      await inner.rename(from, to);
    },
    remove: (path) => inner.remove(path),
    list: (path) => inner.list(path),
    makeDirectory: (path) => inner.makeDirectory(path),
    async syncDirectory(path) {
      fail("syncDirectory");
      await inner.syncDirectory(path);
    },
    lock: (path, directory) => inner.lock(path, directory),
    lockDirectory: (path) => inner.lockDirectory(path),
    identity: (path) => inner.identity(path),
    resolve: (path) => inner.resolve(path),
    crc32: (bytes, seed) => inner.crc32(bytes, seed),
  };
}

/** A fresh segment on a disk whose calls fail as `failures` says, now or later. */
async function freshSegment(fillsAhead = true) {
  const failures: Failures = {};
  const disk = freshDisk();
  const fs = failing(disk, failures);
  const file = segmentFile(IDENTITY, 1);
  const header = beginningOf(segmentHeader(IDENTITY, 1, { checksum: null }, 0));
  const writer = await SegmentWriter.create(fs, IDENTITY.directory, file, header, fillsAhead);
  const encoder = new BatchEncoder(fs.crc32);
  const batch = (sequence: number, size: number) =>
    encoder.encode([JSON.stringify("x".repeat(size))], sequence - 1, 0, writer.seed);
  return { disk, fs, file, writer, batch, failures };
}

test("append() ends the writer when there is no space ahead and the file can't be cut either", async () => {
  const { writer, batch, failures } = await freshSegment();
  await writer.append(batch(1, 10));
  Object.assign(failures, { write: "ENOSPC", truncate: "EIO" });
  const error = await assertRejects(
    async () => await writer.append(batch(2, 70_000)),
    PoisonedError,
  );
  assertEquals(error.systemCode, "EIO");
  Object.assign(failures, { write: undefined, truncate: undefined });
  await assertRejects(async () => await writer.append(batch(2, 10)), PoisonedError);
});

test("settle() needs no space for a batch that trim() has cut off", async () => {
  const { writer, batch, failures, disk, file } = await freshSegment();
  await writer.append(batch(1, 10));
  const sound = writer.offset;
  Object.assign(failures, { write: "ENOSPC", truncate: "ENOSPC", writesHalf: true });
  await assertRejects(async () => await writer.append(batch(2, 100)), DiskFullError);
  await assertRejects(() => writer.settle(), DiskFullError);
  failures.truncate = undefined;
  await writer.trim();
  assertEquals(disk.peek(file.path)!.length, sound);
  failures.truncate = "ENOSPC";
  await writer.settle();
  Object.assign(failures, { write: undefined, truncate: undefined });
  await writer.append(batch(2, 100));
  await writer.close();
  const reader = await SegmentReader.open(disk, file);
  while (await reader.read() !== null);
  assertEquals([reader.expected, reader.damage], [3, null]);
  await reader.close();
});

test("resume() cuts a torn tail off where there is no space to overwrite it", async () => {
  const { disk, writer, file, batch } = await freshSegment();
  await writer.append(batch(1, 10));
  await writer.trim();
  await writer.close();
  const sound = disk.peek(file.path)!;
  disk.plant(file.path, new Uint8Array([...sound, ...new TextEncoder().encode('[2,"torn')]));
  const reader = await SegmentReader.open(disk, file);
  await reader.read();
  const { header, seed, lastStart, soundEnd } = reader;
  await reader.close();
  let writes = 0;
  const failures: Failures = {
    get write() {
      return ++writes === 1 ? "ENOSPC" : undefined;
    },
  };
  const place = { lastStart, soundEnd, checksum: null };
  const again = await SegmentWriter.resume(failing(disk, failures), file, header, seed, place);
  assertEquals(disk.peek(file.path), sound);
  await again.append(batch(2, 10));
  await again.close();
});

test("size() of a segment fails with the system's error when the file system can't report it", async () => {
  const { fs, file } = segmentOf([{ pad: 10 }]);
  const reader = await SegmentReader.open(failing(fs, { size: "EIO" }), file);
  const error = await assertRejects(() => reader.size(), IoError);
  assertEquals([error.systemCode, error.path], ["EIO", file.path]);
});

test("create() ends the writer unless the new segment is known not to exist", async () => {
  const rows: [Failures, typeof DiskFullError | typeof PoisonedError, string[]][] = [
    [{ rename: "ENOSPC" }, DiskFullError, []],
    // It may have happened despite the error.
    [{ rename: "EIO" }, PoisonedError, ["tmp"]],
    [{ syncDirectory: "EIO" }, PoisonedError, ["jsonl"]],
    [{ syncDirectory: "ENOSPC" }, PoisonedError, ["jsonl"]],
  ];
  for (const [failures, wanted, left] of rows) {
    const disk = freshDisk();
    const file = segmentFile(IDENTITY, 1);
    const header = beginningOf(segmentHeader(IDENTITY, 1, { checksum: null }, 0));
    const fs = failing(disk, failures);
    await assertRejects(
      () => SegmentWriter.create(fs, IDENTITY.directory, file, header, true),
      wanted,
    );
    const names = disk.paths(IDENTITY.directory).filter((path) => path.includes(".wal."));
    assertEquals(names.map((path) => path.split(".").at(-1)), left, JSON.stringify(failures));
  }
});

test("append() ends the writer when the reserve after the first batch can't be cut off", async () => {
  const { writer, batch, failures } = await freshSegment(false);
  failures.truncate = "EIO";
  const error = await assertRejects(async () => await writer.append(batch(1, 10)), PoisonedError);
  assertEquals(error.systemCode, "EIO");
});

test("append() fills less far ahead where the disk has no more room", async () => {
  const { writer, batch, failures, file, disk } = await freshSegment();
  await writer.append(batch(1, 10));
  let writes = 0;
  Object.defineProperty(failures, "write", { get: () => ++writes === 1 ? "ENOSPC" : undefined });
  await writer.append(batch(2, 70_000));
  await writer.close();
  const reader = await SegmentReader.open(disk, file);
  while (await reader.read() !== null);
  assertEquals([reader.expected, reader.damage], [3, null]);
  await reader.close();
});

test("settle() ends the writer when what is left of a refused batch can't be cleared away", async () => {
  const { writer, batch, failures } = await freshSegment();
  await writer.append(batch(1, 10));
  Object.assign(failures, { write: "ENOSPC", truncate: "ENOSPC", writesHalf: true });
  await assertRejects(async () => await writer.append(batch(2, 100)), DiskFullError);
  failures.write = "EIO";
  await assertRejects(() => writer.settle(), PoisonedError);
  failures.write = failures.truncate = undefined;
  await assertRejects(async () => await writer.append(batch(2, 10)), PoisonedError);
});

/** A segment with one batch and a torn tail of `size` bytes, and what is needed to resume it. */
async function tornSegment(size: number) {
  const { disk, writer, file, batch } = await freshSegment();
  await writer.append(batch(1, 10));
  await writer.trim();
  await writer.close();
  const torn = new TextEncoder().encode(`[2,"${"x".repeat(size)}`);
  disk.plant(file.path, new Uint8Array([...disk.peek(file.path)!, ...torn]));
  const reader = await SegmentReader.open(disk, file);
  await reader.read();
  const { header, seed, lastStart, soundEnd } = reader;
  await reader.close();
  const place = { lastStart, soundEnd, checksum: null };
  const resume = (failures: Failures) =>
    SegmentWriter.resume(failing(disk, failures), file, header, seed, place);
  return { disk, file, batch, resume };
}

test("resume() fails and leaves the tail unchanged when overwriting it fails for another reason", async () => {
  const { disk, file, resume } = await tornSegment(10);
  const before = disk.peek(file.path);
  let writes = 0;
  const failures: Failures = {
    get write() {
      return ++writes === 1 ? "EIO" : undefined;
    },
  };
  const error = await assertRejects(() => resume(failures), IoError);
  assertEquals([error.systemCode, disk.peek(file.path)], ["EIO", before]);
});

test("append() first clears a torn tail that resume() had no space to clear", async () => {
  const { disk, file, batch, resume } = await tornSegment(500);
  const failures: Failures = { write: "ENOSPC", truncate: "ENOSPC" };
  const writer = await resume(failures);
  await assertRejects(async () => await writer.append(batch(2, 10)), DiskFullError);
  // There is space to write, but not to truncate.
  failures.write = undefined;
  await writer.append(batch(2, 10));
  await writer.close();
  const reader = await SegmentReader.open(disk, file);
  while (await reader.read() !== null);
  assertEquals([reader.expected, reader.damage], [3, null]);
  await reader.close();
});

test("SegmentWriter refuses to write a seal when a sync has failed", async () => {
  await using directory = await temporaryDirectory();
  let fails = false;
  const fs = await wrapFs(({ name }) => {
    if (fails && name.startsWith("sync")) throw systemError("EIO");
  });
  const file = segmentFile({ directory: directory.path, stem: "test", edition: 1 }, 1);
  const writer = await SegmentWriter.create(
    fs,
    directory.path,
    file,
    beginningOf(segmentHeader(IDENTITY, 1, { checksum: null }, 0)),
    true,
  );
  fails = true;
  const error = await assertRejects(
    async () => await writer.append(encode("[1]\n")),
    PoisonedError,
  );
  fails = false;
  assertEquals(await writer.writeSeal({ sequence: 1 }).catch((cause) => cause), error);
  await writer.close();
});
