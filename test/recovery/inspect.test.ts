// Tests what an inspection reports about directories that are damaged in several places, or half gone.

import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import type { Finding, Inspection } from "../../src/recovery/inspection.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { checksumOf, controlLine, fileName, rewrite } from "../support/files.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";
import { tapped } from "../support/tapped_fs.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

/** Six mutations: segments from 1, 3 and 5, snapshots of sequence 2 and 4, a seal. */
async function makeState(): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compaction: "manual" });
  for (let i = 1; i <= 6; i++) {
    await manager.apply({ number: i });
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
  return directory;
}

async function inspect(directory: TemporaryDirectory): Promise<Inspection> {
  return await inspectState(await detectFs(), directory.path, journalName);
}

/** What distinguishes a finding from others, with the file's name in place of its path. */
function brief({ severity, path, sequence, sequenceLast, needed }: Finding) {
  return [severity, path.split("/").at(-1), sequence, sequenceLast, needed];
}

const wal = (sequence: number) => fileName("wal", sequence);
const snapshot = (sequence: number) => fileName("snapshot", sequence);

test("inspectState() finds only unreadable snapshots, and no journal", async () => {
  await using directory = await makeState();
  for (const first of [1, 3, 5]) await rm(directory.join(wal(first)));
  for (const sequence of [2, 4]) {
    await rewrite(directory.join(snapshot(sequence)), (text) => text.replace("format", "farmat"));
  }
  const { id, version, verdict, findings, nextOpen } = await inspect(directory);
  assertEquals([id, version, verdict, nextOpen.outcome], [null, null, "corrupt", "refuse"]);
  assertEquals(findings.map(brief), [
    ["corrupt", snapshot(2), 2, 2, false],
    ["corrupt", snapshot(4), 4, 4, false],
    ["corrupt", directory.path.split("/").at(-1), 1, 4, true],
  ]);
  assertMatch(findings[0]!.reason, /its first line is damaged: .*the journal from its beginning$/);
  assertEquals(findings[2]!.offset, null, "a file that is missing has no place");
});

test("inspectState() names a snapshot of another journal, and one of another program", async () => {
  await using directory = await makeState();
  await using other = await makeState();
  const foreign = await readFile(other.join(snapshot(2)));
  await writeFile(directory.join(snapshot(2)), foreign);
  await writeFile(directory.join(snapshot(4)), '{"snapshot":"of another program"}\n');
  const { findings, nextOpen } = await inspect(directory);
  assertEquals(findings.map(brief), [
    ["corrupt", snapshot(2), 2, 2, false],
    ["corrupt", snapshot(4), 4, 4, false],
  ]);
  assertMatch(findings[0]!.reason, /^it belongs to another journal: /);
  assertMatch(findings[1]!.reason, /^it was not written by this library: /);
  assertEquals([nextOpen.outcome, nextOpen.snapshot, nextOpen.replays], ["open", null, 6]);
});

test("inspectState() says that nothing shows which of two journals is the foreign one", async () => {
  await using directory = await makeState();
  await using other = await makeState();
  for (const name of [wal(3), wal(5), snapshot(4)]) await rm(directory.join(name));
  for (const name of [wal(3), wal(5)]) {
    await writeFile(directory.join(name), await readFile(other.join(name)));
  }
  const { findings, verdict, nextOpen } = await inspect(directory);
  assertEquals(brief(findings[0]!), [
    "corrupt",
    directory.path.split("/").at(-1),
    null,
    null,
    true,
  ]);
  assertMatch(findings[0]!.reason, /files of two journals/);
  assertEquals([verdict, nextOpen.outcome], ["corrupt", "refuse"]);
});

test("inspectState() reports unreadable snapshots, and rethrows errors that say nothing about them", async () => {
  await using directory = await makeState();
  const inspectWith = async (code: string) => {
    const fs = await wrapFs(({ name, path }) => {
      if (name === "read" && path.endsWith(".snapshot.jsonl")) throw systemError(code);
    });
    return await inspectState(fs, directory.path, journalName);
  };
  const { findings, nextOpen } = await inspectWith("EIO");
  assertEquals(findings.map(brief), [
    ["corrupt", snapshot(2), 2, 2, false],
    ["corrupt", snapshot(4), 4, 4, false],
  ]);
  assertMatch(findings[0]!.reason, /^the disk refuses to give .*\(EIO\): the snapshot is not used/);
  assertEquals([nextOpen.outcome, nextOpen.replays], ["open", 6]);
  await assertRejects(() => inspectWith("EMFILE"), IoError, "EMFILE");
});

test("inspectState() distinguishes damage that newer snapshots make harmless from damage that counts", async () => {
  await using directory = await makeState();
  await rewrite(directory.join(wal(1)), (text) => text.replace('"number":1', '"number":9'));
  await rewrite(directory.join(wal(5)), (text) => text.replace('"number":5', '"number":9'));
  const { findings, nextOpen } = await inspect(directory);
  assertEquals(findings.map(brief), [
    ["corrupt", wal(5), 5, 6, true],
    ["corrupt", wal(1), 1, 2, false],
  ]);
  assertMatch(findings[1]!.reason, /; newer snapshots make it unneeded$/);
  assertEquals(nextOpen.lost, { sequenceFirst: 5, sequenceLast: 6 });
});

test("inspectState() finds damage in segments after the first damaged one", async () => {
  await using directory = await makeState();
  for (const sequence of [2, 4]) await rm(directory.join(snapshot(sequence)));
  await rewrite(directory.join(wal(1)), (text) => text.replace('"number":1', '"number":9'));
  await rewrite(directory.join(wal(3)), (text) => text.replace("format", "farmat"));
  await appendFile(directory.join(wal(5)), "[7,{to");
  const { findings, nextOpen } = await inspect(directory);
  assertEquals(findings.map(brief), [
    ["corrupt", wal(1), 1, 6, true],
    ["corrupt", wal(3), 3, 4, true],
    ["torn", wal(5), 7, null, false],
  ]);
  assertEquals([nextOpen.sequence, nextOpen.lost?.sequenceLast], [0, 6]);
});

test("inspectState() notes a gap that a snapshot covers", async () => {
  await using directory = await makeState();
  await rm(directory.join(wal(3)));
  const { findings, verdict } = await inspect(directory);
  assertEquals(findings.map(brief), [["notice", wal(1), 3, 4, false]]);
  assertEquals(verdict, "sound");
});

test("inspectState() reports nothing wrong with an empty directory", async () => {
  await using directory = await temporaryDirectory();
  const { id, segments, snapshots, verdict, nextOpen } = await inspect(directory);
  assertEquals([id, segments, snapshots, verdict], [null, [], [], "sound"]);
  assertEquals([nextOpen.outcome, nextOpen.sequence], ["open", 0]);
});

test("inspectState() ignores an unfinished file that disappears meanwhile, and fails when one can't be read", async () => {
  await using directory = await makeState();
  const name = `${wal(7)}.tmp`;
  await writeFile(directory.join(name), "x");
  const failing = (code: string) =>
    wrapFs(({ path }) => {
      if (path.endsWith(".tmp")) throw systemError(code);
    });
  const gone = await inspectState(await failing("ENOENT"), directory.path, journalName);
  assertEquals(gone.temporary, []);
  assertEquals((await inspect(directory)).temporary, [{ name, size: 1 }]);
  const refusing = await failing("EACCES");
  await assertRejects(() => inspectState(refusing, directory.path, journalName), IoError);
});

test("inspectState() lists the files in the quarantine, even those whose size can't be read, and no folder", async () => {
  await using directory = await makeState();
  const folder = directory.join("quarantine");
  await mkdir(`${folder}/folder`, { recursive: true });
  for (const name of ["bad", "good"]) await writeFile(`${folder}/${name}`, "1234");
  const { fs } = badDisk(await detectFs(), { part: "quarantine/bad", code: "EIO" });
  const { quarantine } = await inspectState(fs, directory.path, journalName);
  assertEquals(quarantine, [{ name: "bad", size: 0 }, { name: "good", size: 4 }]);
});

test("inspectState() builds the state of each snapshot: right checksums don't make one", async () => {
  await using directory = await makeState();
  const path = directory.join(snapshot(4));
  const header = (await readFile(path, "utf8")).split("\n")[0]!;
  // It puts a value into an array that does not exist.
  const body = '[["nowhere",3],1]\n';
  const end = controlLine({ end: 1 }, crc32(body, checksumOf(header)));
  await writeFile(path, `${header}\n${body}${end}`);
  const { findings, nextOpen, segments } = await inspect(directory);
  assertEquals(findings.map(brief), [["corrupt", snapshot(4), 4, 4, false]]);
  assertEquals([nextOpen.snapshot?.sequence, nextOpen.replays], [2, 4]);
  const sizes = await Promise.all(segments.map(({ name }) => stat(directory.join(name))));
  assertEquals(segments.map(({ size }) => size), sizes.map(({ size }) => size));
});

test("inspectState() syncs a last record that may not be durable, unless a snapshot shows that it is", async () => {
  const disk = freshDisk();
  await using manager = await openLedger("/data/state", { fs: disk, compaction: "manual" });
  await manager.apply(1);
  const image = disk.image();
  const syncs = async () => {
    const tap = tapped(image);
    const { nextOpen } = await inspectState(tap.fs, "/data/state", journalName);
    return [nextOpen.sequence, tap.syncs];
  };
  assertEquals(await syncs(), [1, 1]);
  const { path } = await manager.createSnapshot();
  image.plant(path, disk.peek(path)!);
  assertEquals(await syncs(), [1, 0]);
});

test("inspectState() fails when the quarantine can't be listed", async () => {
  await using directory = await makeState();
  await symlink("quarantine", directory.join("quarantine"));
  await assertRejects(() => inspect(directory), IoError, "ELOOP");
  await rm(directory.join("quarantine"));
  assertEquals((await inspect(directory)).quarantine, []);
  assertEquals((await readdir(directory.path)).includes("quarantine"), false);
});
