// Tests what a survey reads, what it passes on of it, and which refusals it leaves to the caller.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { listState } from "../../src/disk/list_state.ts";
import type { DurableFs } from "../../src/durable_fs.ts";
import { readIdentity } from "../../src/recovery/identity.ts";
import { readSegmentFacts } from "../../src/recovery/segment_facts.ts";
import { surveyAll, surveyForReplay } from "../../src/recovery/survey.ts";
import { badDisk } from "../support/bad_disk.ts";
import { DIRECTORY, makeState, pathOf, snapshot, wal } from "../support/rotten_inodes.ts";

const filesOf = (fs: DurableFs) => listState(fs, DIRECTORY, "test");

/** Segments from 1, 3 and 5, without snapshots. */
async function makeJournal() {
  const disk = await makeState();
  for (const sequence of [2, 4]) disk.unplant(pathOf(snapshot(sequence)));
  return disk;
}

/** The sequences of the records that a survey passes on. */
async function replayed(fs: DurableFs, identity?: null): Promise<number[]> {
  const files = await filesOf(fs);
  const sequences: number[] = [];
  await surveyForReplay(fs, files, identity === null ? null : await readIdentity(fs, files), {
    restore: () => {},
    decide: () => {},
    begin: () => {},
    consume: ({ sequenceFirst, sequenceLast }) => {
      for (let s = sequenceFirst; s <= sequenceLast; s++) sequences.push(s);
    },
  });
  return sequences;
}

test("surveyForReplay() passes on every record, whether or not the journal is known", async () => {
  const disk = await makeJournal();
  assertEquals(await replayed(disk), [1, 2, 3, 4, 5, 6]);
  assertEquals(await replayed(disk, null), [1, 2, 3, 4, 5, 6]);
});

test("surveyForReplay() passes nothing on when the journal's beginning is missing", async () => {
  const disk = await makeJournal();
  disk.unplant(pathOf(wal(1)));
  assertEquals(await replayed(disk), []);
});

test("surveyForReplay() passes on nothing of another journal, and nothing after it", async () => {
  const [disk, other] = [await makeJournal(), await makeJournal()];
  disk.plant(pathOf(wal(3)), other.peek(pathOf(wal(3)))!);
  assertEquals(await replayed(disk), [1, 2]);
});

test("surveyAll() reads a segment up to its limit, and says how large each one is", async () => {
  const disk = await makeJournal();
  const files = await filesOf(disk);
  const whole = await surveyAll(disk, files, { build: false });
  const sizes = files.segments.map(({ path }) => disk.peek(path)!.length);
  assertEquals(whole.segments.map((facts) => facts?.size), sizes);
  const last = whole.segments.at(-1)!;
  const limit = last.failure === null ? last.lastStart : 0;
  const limitOf = ({ path }: { path: string }) => path === last.file.path ? limit : undefined;
  const { segments } = await surveyAll(disk, files, { build: false, limitOf });
  assertEquals(segments.map((facts) => facts?.failure === null && facts.soundEnd).at(-1), limit);
});

test("surveyAll() blames the disk when no file of several can be read", async () => {
  const disk = await makeJournal();
  const files = await filesOf(disk);
  const { fs } = badDisk(disk, { part: ".wal.", code: "EIO" });
  await assertRejects(() => surveyAll(fs, files, { build: true }), IoError, "EIO");
});

test("readSegmentFacts() calls a segment empty only when it could look into it", async () => {
  const disk = await makeJournal();
  const [file] = (await filesOf(disk)).segments;
  const isEmpty = async (fs: DurableFs) => {
    const facts = await readSegmentFacts(fs, file!);
    return facts.failure !== null && facts.isEmpty;
  };
  assertEquals(await isEmpty(badDisk(disk, { part: wal(1), code: "EIO" }).fs), false);
  disk.plant(file!.path, new Uint8Array());
  assertEquals(await isEmpty(disk), true);
});
