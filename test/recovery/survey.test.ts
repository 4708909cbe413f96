// Tests what a survey reads, what it passes on of it, and which refusals it leaves to the caller.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError, StateManager } from "@ministate/ministate";
import { listState } from "../../src/disk/list_state.ts";
import type { DurableFs } from "../../src/durable_fs.ts";
import { readIdentity } from "../../src/recovery/identity.ts";
import { readSegmentFacts } from "../../src/recovery/segment_facts.ts";
import { surveyAll, surveyForReplay } from "../../src/recovery/survey.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { journalName, ledger, openLedger } from "../support/samples.ts";
import { damage, DIRECTORY, makeState, pathOf, snapshot, wal } from "../support/rotten_inodes.ts";

const filesOf = (fs: DurableFs) => listState(fs, DIRECTORY, "test");

/** Segments from 1, 3 and 5, without snapshots. */
async function makeJournal() {
  const disk = await makeState();
  for (const sequence of [2, 4]) disk.unplant(pathOf(snapshot(sequence)));
  return disk;
}

/** The sequences of the records that a survey passes on, after 0 if it passes on an initial state. */
async function replayed(fs: DurableFs, identity?: null): Promise<number[]> {
  const files = await filesOf(fs);
  const sequences: number[] = [];
  await surveyForReplay(fs, files, identity === null ? null : await readIdentity(fs, files), {
    restore: () => {},
    decide: () => {},
    begin: () => {
      sequences.push(0);
    },
    consume: ({ sequenceFirst, sequenceLast }) => {
      for (let s = sequenceFirst; s <= sequenceLast; s++) sequences.push(s);
    },
  });
  return sequences;
}

test("surveyForReplay() passes on every record, whether or not the journal is known", async () => {
  const disk = await makeJournal();
  assertEquals(await replayed(disk), [0, 1, 2, 3, 4, 5, 6]);
  assertEquals(await replayed(disk, null), [0, 1, 2, 3, 4, 5, 6]);
});

test("surveyForReplay() passes nothing on when the journal's beginning is missing", async () => {
  const disk = await makeJournal();
  disk.unplant(pathOf(wal(1)));
  assertEquals(await replayed(disk), []);
});

test("surveyForReplay() passes on nothing of another journal, and nothing after it", async () => {
  const [disk, other] = [await makeJournal(), await makeJournal()];
  const own = disk.peek(pathOf(wal(3)))!;
  disk.plant(pathOf(wal(3)), other.peek(pathOf(wal(3)))!);
  assertEquals(await replayed(disk), [0, 1, 2]);
  disk.plant(pathOf(wal(1)), other.peek(pathOf(wal(1)))!);
  disk.plant(pathOf(wal(3)), own);
  assertEquals(await replayed(disk), []);
});

test("surveyForReplay() passes nothing on when the initial state is damaged", async () => {
  const disk = await makeJournal();
  // Of the same length, so that the records are where they should be.
  damage(wal(1), `":[`)(disk);
  assertEquals(await replayed(disk), []);
});

test("surveyForReplay() and surveyAll() leave it to the caller when a segment can't be read now, or is not a file", async () => {
  const disk = await makeJournal();
  const files = await filesOf(disk);
  const identity = await readIdentity(disk, files);
  const nothing = { restore() {}, begin() {}, consume() {}, decide() {} };
  for (const code of ["EMFILE", "EISDIR"]) {
    const { fs } = badDisk(disk, { part: wal(3), code });
    const refusal = { systemCode: code };
    for (
      const survey of [
        () => surveyForReplay(fs, files, identity, nothing),
        () => surveyAll(fs, files, { build: true }),
      ]
    ) {
      const error = await assertRejects(survey, IoError);
      assertEquals({ systemCode: error.systemCode }, refusal);
    }
  }
});

test("surveyForReplay() leaves it to the caller when an initial state can't be read now", async () => {
  const disk = freshDisk();
  const large = { ...ledger, initial: () => ({ entries: ["x".repeat(300_000)] }) };
  await using manager = await StateManager.open(DIRECTORY, journalName, large, { fs: disk });
  await manager.apply("one");
  const files = await filesOf(disk);
  const nothing = { restore() {}, begin() {}, consume() {}, decide() {} };
  const { fs } = badDisk(disk, { part: wal(1), code: "EMFILE", range: [200_000, 210_000] });
  const identity = await readIdentity(fs, files);
  const error = await assertRejects(() => surveyForReplay(fs, files, identity, nothing), IoError);
  assertEquals(error.systemCode, "EMFILE");
});

test("surveyAll() blames no disk that gives the headers and refuses the rest", async () => {
  const disk = await makeState();
  {
    await using manager = await openLedger(DIRECTORY, { fs: disk, compaction: "manual" });
    await manager.apply("x".repeat(9000));
    await manager.createSnapshot();
    await manager.apply("the second snapshot's");
    await manager.createSnapshot();
  }
  for (const path of disk.paths(DIRECTORY)) {
    if (![7, 8].some((sequence) => path === pathOf(snapshot(sequence)))) disk.unplant(path);
  }
  const { fs } = badDisk(disk, { part: ".snapshot.", code: "EIO", range: [8000, 9000] });
  const { snapshots, identity } = await surveyAll(fs, await filesOf(fs), { build: true });
  assertEquals(snapshots.map(({ failure }) => failure?.systemCode), ["EIO", "EIO"]);
  assertEquals(identity?.id, snapshots[0]?.header?.id);
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
