// What a segment's writer and reader do when single calls of the file fail.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { DiskFullError, type DurableFile, type DurableFs, IoError } from "@ministate/ministate";
import { PoisonedError } from "@ministate/ministate";
import { BatchEncoder } from "../../src/format/encode.ts";
import { segmentFile } from "../../src/disk/names.ts";
import { segmentHeader } from "../../src/journal/journal_identity.ts";
import { SegmentReader } from "../../src/journal/segment_reader.ts";
import { SegmentWriter } from "../../src/journal/segment_writer.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { IDENTITY, segmentOf } from "../support/segment.ts";
import { systemError } from "../support/wrapped_fs.ts";

/** What each call of a file fails with; a write takes half of the bytes at first where `writesHalf` is set. */
interface Failures {
  write?: string;
  truncate?: string;
  size?: string;
  writesHalf?: boolean;
}

function failing(inner: DurableFs, failures: Failures): DurableFs {
  const fail = (call: "write" | "truncate" | "size") => {
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
    rename: (from, to) => inner.rename(from, to),
    remove: (path) => inner.remove(path),
    list: (path) => inner.list(path),
    makeDirectory: (path) => inner.makeDirectory(path),
    syncDirectory: (path) => inner.syncDirectory(path),
    lock: (path, directory) => inner.lock(path, directory),
    lockDirectory: (path) => inner.lockDirectory(path),
    identity: (path) => inner.identity(path),
    resolve: (path) => inner.resolve(path),
    crc32: (bytes, seed) => inner.crc32(bytes, seed),
  };
}

/** A fresh segment on a disk whose calls fail as `failures` says, now or later. */
async function freshSegment() {
  const failures: Failures = {};
  const disk = freshDisk();
  const fs = failing(disk, failures);
  const named = segmentFile(IDENTITY, 1);
  const header = segmentHeader(IDENTITY, 1, 0);
  const writer = await SegmentWriter.create(fs, IDENTITY.directory, named, header, true);
  const encoder = new BatchEncoder(fs.crc32);
  const batch = (sequence: number, size: number) =>
    encoder.encode([JSON.stringify("x".repeat(size))], sequence - 1, 0, writer.seed);
  return { disk, fs, named, writer, batch, failures };
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
  const { writer, batch, failures, disk, named } = await freshSegment();
  await writer.append(batch(1, 10));
  const sound = writer.offset;
  Object.assign(failures, { write: "ENOSPC", truncate: "ENOSPC", writesHalf: true });
  await assertRejects(async () => await writer.append(batch(2, 100)), DiskFullError);
  await assertRejects(() => writer.settle(), DiskFullError);
  failures.truncate = undefined;
  await writer.trim();
  assertEquals(disk.peek(named.path)!.length, sound);
  failures.truncate = "ENOSPC";
  await writer.settle();
  Object.assign(failures, { write: undefined, truncate: undefined });
  await writer.append(batch(2, 100));
  await writer.close();
  const reader = await SegmentReader.open(disk, named);
  while (await reader.read() !== null);
  assertEquals([reader.expected, reader.damage], [3, null]);
  await reader.close();
});

test("resume() cuts a torn tail off where there is no space to overwrite it", async () => {
  const { disk, writer, named, batch } = await freshSegment();
  await writer.append(batch(1, 10));
  await writer.trim();
  await writer.close();
  const sound = disk.peek(named.path)!;
  disk.plant(named.path, new Uint8Array([...sound, ...new TextEncoder().encode('[2,"torn')]));
  const reader = await SegmentReader.open(disk, named);
  await reader.read();
  const { header, seed, lastStart, soundEnd } = reader;
  await reader.close();
  let writes = 0;
  const failures: Failures = {
    get write() {
      return ++writes === 1 ? "ENOSPC" : undefined;
    },
  };
  const place = { lastStart, soundEnd };
  const again = await SegmentWriter.resume(failing(disk, failures), named, header, seed, place);
  assertEquals(disk.peek(named.path), sound);
  await again.append(batch(2, 10));
  await again.close();
});

test("size() of a segment gives the system's error when the file system can't tell it", async () => {
  const { fs, named } = segmentOf([{ pad: 10 }]);
  const reader = await SegmentReader.open(failing(fs, { size: "EIO" }), named);
  const error = await assertRejects(() => reader.size(), IoError);
  assertEquals([error.systemCode, error.path], ["EIO", named.path]);
});
