// What fsck brings back of an earlier edition counts for nothing, even once the beginning of the current edition was
// compacted away.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import {
  CorruptionError,
  type DurableFs,
  ForeignFormatError,
  HistoryGoneError,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { inspectState } from "../../src/recovery/inspect.ts";
import { type Bad, badDisk } from "../support/bad_disk.ts";
import {
  contents,
  DIRECTORY,
  kept,
  later,
  makeForgetful,
  makeState,
  open,
  pathOf,
  quarantine,
  snapshot,
  strangeSegment,
  wal,
} from "../support/rotten_inodes.ts";
import { controlLine, segmentHeader } from "../support/files.ts";
import { journalName } from "../support/samples.ts";

/** Makes sure that sequence 1 is gone, whoever asks. */
async function assertForgotten(fs: DurableFs): Promise<void> {
  await using reader = await open(fs, { readOnly: true });
  assertEquals([kept(reader), reader.recovery.superseded], ["abcd", [pathOf(wal(1))]]);
  await assertRejects(() => reader.stateAt(1), HistoryGoneError);
  await assertRejects(() => reader.changes({ from: 1 }).next(), HistoryGoneError);
  await using journal = await Journal.open(DIRECTORY, journalName, { fs, readOnly: true });
  await assertRejects(() => journal.replay({ from: 1 }).next(), HistoryGoneError);
  const mutations: unknown[] = [];
  for await (const { mutation } of journal.replay()) mutations.push(mutation);
  assertEquals(mutations, ["d"]);
}

test("what fsck brings back beside a live manager does not become history, and no compaction deletes it", async () => {
  const { disk, fs, manager, fsck } = await makeForgetful();
  fsck();
  await assertRejects(() => manager.stateAt(1), HistoryGoneError);
  await assertRejects(() => manager.changes({ from: 1 }).next(), HistoryGoneError);
  await assertForgotten(fs);
  await manager.compact();
  await manager.backup("/data/copy");
  assertEquals(disk.peek(pathOf(wal(1))) !== null, true);
  assertEquals(disk.paths("/data/copy").some((path) => path.endsWith(wal(1))), false);
  await manager.close();
});

test("what fsck brings back before the next open is moved aside by it", async () => {
  const { disk, manager } = await makeForgetful();
  await manager.close();
  const old = disk.peek(pathOf(wal(1)));
  await assertForgotten(disk);
  const { findings } = await inspectState(disk, DIRECTORY, journalName);
  assertEquals(findings.map(({ path, needed }) => [path, needed]), [[pathOf(wal(1)), false]]);
  await using again = await open(disk);
  assertEquals([kept(again), again.recovery.superseded, disk.peek(pathOf(wal(1)))], [
    "abcd",
    [],
    null,
  ]);
  assertEquals(disk.peek(pathOf(`quarantine/${wal(1)}`)), old);
  await assertRejects(() => again.stateAt(1), HistoryGoneError);
});

test("another journal's file of a later edition takes over from nothing", async () => {
  for (const sequence of [1, 5]) {
    const strange = await strangeSegment(sequence);
    const disk = await makeState();
    disk.plant(later(wal(sequence)), strange);
    {
      await using reader = await open(disk, { readOnly: true });
      const { lost, superseded } = reader.recovery;
      assertEquals([kept(reader), lost, superseded], ["123456", null, [later(wal(sequence))]]);
    }
    await using manager = await open(disk, quarantine);
    assertEquals([kept(manager), manager.recovery.lost], ["123456", null]);
    const aside = later(wal(sequence)).replace("state/", "state/quarantine/");
    assertEquals([disk.peek(later(wal(sequence))), disk.peek(aside)], [null, strange]);
    assertEquals((await manager.createSnapshot()).path, pathOf(snapshot(6)));
  }
});

test("open() refuses to choose between a journal and another one of a later edition", async () => {
  const disk = await makeState();
  for (const name of [wal(3), wal(5), snapshot(2), snapshot(4)]) disk.unplant(pathOf(name));
  disk.plant(later(wal(1)), await strangeSegment(1));
  const before = contents(disk);
  for (const readOnly of [true, false]) {
    await assertRejects(() => open(disk, { readOnly }), ForeignFormatError, "two journals");
  }
  assertEquals(contents(disk), before);
});

test("compact() deletes only what its own journal has written, and sets the rest aside", async () => {
  const disk = await makeState();
  const other = await makeState();
  const strange = other.peek(pathOf(snapshot(2)))!;
  disk.plant(pathOf(snapshot(2)), strange);
  const text = new TextDecoder().decode(disk.peek(pathOf(wal(1)))!);
  disk.plant(pathOf(wal(1)), new TextEncoder().encode(text.replace('"id"', '"iD"')));
  const damaged = disk.peek(pathOf(wal(1)))!;
  await using manager = await open(disk);
  await manager.createSnapshot();
  await manager.apply("7");
  const { deleted } = await manager.compact();
  assertEquals(deleted, [snapshot(4), wal(3), wal(5)].map(pathOf));
  assertEquals(disk.peek(pathOf(`quarantine/${snapshot(2)}`)), strange);
  assertEquals(disk.peek(pathOf(`quarantine/${wal(1)}`)), damaged);
  assertEquals([disk.peek(pathOf(snapshot(2))), disk.peek(pathOf(wal(1)))], [null, null]);
});

test("compact() sets aside what is older than all editions whose beginnings are known", async () => {
  const disk = await makeState();
  // As if all of them had begun at the same place, and none but the last had left a file.
  const bad: Bad = { part: `state/${wal(5)}`, code: "EBADMSG" };
  for (let edition = 2; edition <= 18; edition++) {
    await open(badDisk(disk, bad).fs, quarantine).then((manager) => manager.close());
    bad.part = `-${"5".padStart(16, "0")}.${edition}.wal.jsonl`;
  }
  await using manager = await open(disk);
  assertEquals(kept(manager), "1234");
  await manager.createSnapshot();
  await manager.apply("a");
  await manager.createSnapshot();
  const { deleted } = await manager.compact();
  assertEquals(deleted.filter((path) => !path.includes(".18.")), []);
  for (const name of [snapshot(2), wal(1), wal(3)]) {
    assertEquals([disk.peek(pathOf(name)), disk.peek(pathOf(`quarantine/${name}`)) !== null], [
      null,
      true,
    ], name);
  }
});

test("a header that doesn't say where its edition began is damaged", async () => {
  for (const editionFirsts of [undefined, [6], [4, 5], [5]]) {
    const disk = await makeState();
    const first = new TextDecoder().decode(disk.peek(pathOf(wal(1)))!);
    const { id } = JSON.parse(first.slice(0, first.indexOf("\n")));
    const place = { first: 5, edition: 2, editionFirsts, after: null };
    const header = { ...segmentHeader, mutator: null, id, ...place };
    disk.plant(later(wal(5)), new TextEncoder().encode(controlLine(header)));
    const opening = open(disk, { readOnly: true });
    if (editionFirsts?.join() === "5") {
      await using reader = await opening;
      assertEquals([kept(reader), reader.recovery.superseded], ["1234", [pathOf(wal(5))]]);
    } else {
      const error = await assertRejects(() => opening, CorruptionError);
      assertEquals(error.path, later(wal(5)));
    }
  }
});
