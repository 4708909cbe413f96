// Tests which directories count as empty, so that a state can be begun there without replacing one.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  type NamedFile,
  segmentFile,
  snapshotFile,
  type StateFiles,
} from "../../src/disk/names.ts";
import { StateDirectory } from "../../src/journal/state_directory.ts";
import { isUntouched } from "../../src/recovery/begin_with.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { IDENTITY } from "../support/segment.ts";

const DIRECTORY = "/data/state";
const identity = { ...IDENTITY, directory: DIRECTORY };

test("isUntouched() takes nothing but an empty first segment for the rest of one that was never begun", async () => {
  const disk = freshDisk();
  const writing = await StateDirectory.openForWriting(disk, DIRECTORY, "w.wal.jsonl");
  await writing.close();
  const directory = await StateDirectory.openForReading(disk, DIRECTORY, "w.wal.jsonl");
  const files = await directory.list();
  const judge = (differing: Partial<StateFiles>) =>
    isUntouched(directory, { ...files, ...differing });
  const segment = (sequence: number, size: number): NamedFile => {
    const file = segmentFile(identity, sequence);
    disk.plant(file.path, new Uint8Array(size));
    return file;
  };
  const snapshot = snapshotFile(identity, 2);
  assertEquals(await judge({}), true);
  assertEquals(await judge({ segments: [segment(1, 0)] }), true);
  assertEquals(await judge({ segments: [segment(1, 1)] }), false);
  assertEquals(await judge({ segments: [segment(5, 0)] }), false);
  assertEquals(await judge({ snapshots: [snapshot] }), false);
  assertEquals(await judge({ superseded: [snapshot] }), false);
  assertEquals(await judge({ snapshots: [snapshot], superseded: [snapshot] }), false);
});
