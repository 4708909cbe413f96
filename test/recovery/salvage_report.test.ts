// Tests what `salvage()` reports: how many records it found in which files, what nothing proves, and in which order it searched.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { DurableFs } from "../../src/durable_fs.ts";
import { listState } from "../../src/disk/list_state.ts";
import { Journal } from "../../src/journal.ts";
import { salvage, type SalvagedRecord } from "../../src/recovery/salvage.ts";
import { planSalvage } from "../../src/recovery/salvage_targets.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { fileName } from "../support/files.ts";
import { journalName, openLedger } from "../support/samples.ts";

const DIRECTORY = "/data/state";
const wal = (sequence: number) => `${DIRECTORY}/${fileName("wal", sequence)}`;

/** Writes one batch for each mutation, and begins another segment where one is "|", or ends with a seal where it is "s". */
async function makeState(...mutations: string[]): Promise<PowerCutDisk> {
  const disk = freshDisk();
  const open = () => openLedger(DIRECTORY, { fs: disk, compaction: "manual" });
  let manager = await open();
  for (const mutation of mutations) {
    if (mutation === "|") disk.unplant((await manager.createSnapshot()).path);
    else if (mutation === "s") {
      await manager.close();
      manager = await open();
    } else await manager.apply(mutation);
  }
  await manager.close();
  return disk;
}

const textOf = (disk: PowerCutDisk, path: string) => new TextDecoder().decode(disk.peek(path)!);
const plant = (disk: PowerCutDisk, path: string, text: string) =>
  disk.plant(path, new TextEncoder().encode(text));

function rot(disk: PowerCutDisk, path: string, ...whats: string[]): void {
  for (const what of whats) {
    plant(disk, path, textOf(disk, path).replace(what, "x".repeat(what.length)));
  }
}

/** Cuts a segment off after the line with a mutation. */
function cutAfter(disk: PowerCutDisk, path: string, mutation: string): void {
  const text = textOf(disk, path);
  plant(disk, path, text.slice(0, text.indexOf("\n", text.indexOf(`"${mutation}"`)) + 1));
}

async function search(fs: DurableFs) {
  const { id, targets } = await planSalvage(fs, DIRECTORY, "test");
  const records: SalvagedRecord[] = [];
  const { files, unproven, skipped } = await salvage(fs, targets, id, async (found) => {
    await Promise.resolve(records.push(...found));
  });
  const gaps = unproven.map(({ sequenceFirst, sequenceLast }) => [sequenceFirst, sequenceLast]);
  return { files, gaps, skipped, records };
}

test("salvage() names the files in which it found records, and each gap to the end of a segment", async () => {
  const disk = await makeState("one", "two", "three", "four", "five", "|", "six", "seven");
  rot(disk, wal(1), "two");
  cutAfter(disk, wal(1), "four");
  rot(disk, wal(6), "six");
  cutAfter(disk, wal(6), "seven");
  const { files, gaps, skipped } = await search(disk);
  assertEquals(files, [
    { path: wal(1), records: 2, ranges: [[3, 4]] },
    { path: wal(6), records: 1, ranges: [[7, 7]] },
  ]);
  assertEquals([gaps, skipped], [[[2, 2], [5, 5], [6, 6]], []]);
});

test("salvage() names no file without records, and leaves open how far damage at the journal's end went", async () => {
  const disk = await makeState("one", "two", "three", "|", "four");
  rot(disk, wal(1), "two");
  rot(disk, wal(4), "four", '{"seal":4');
  const { files, gaps } = await search(disk);
  assertEquals(files, [{ path: wal(1), records: 1, ranges: [[3, 3]] }]);
  assertEquals(gaps, [[2, 2], [4, null]]);
});

test("salvage() begins a gap after what a seal proves", async () => {
  const disk = await makeState("one", "two", "s", "three", "four");
  rot(disk, wal(1), "two", "three");
  assertEquals((await search(disk)).gaps, [[2, 2], [3, 3]]);
});

test("salvage() takes an outcome from the header of a segment without records", async () => {
  const disk = await makeState("one", "two", "|");
  rot(disk, wal(1), "one", '{"seal":2');
  rot(disk, wal(3), '{"seal":2');
  assertEquals((await search(disk)).records.map(({ refused }) => refused), [false]);
});

test("salvage() takes any journal's records when no file of the state is left to name one", async () => {
  const disk = await makeState("one", "two", "three");
  rot(disk, wal(1), "two");
  await (await Journal.open(DIRECTORY, journalName, { fs: disk, onCorruption: "quarantine" }))
    .close();
  disk.unplant(wal(1));
  assertEquals((await search(disk)).files.map(({ ranges }) => ranges), [[[3, 3]]]);
});

test("planSalvage() searches segments in order, whatever their editions, and however often one was set aside", async () => {
  const disk = await makeState("one");
  const name = (sequence: number, edition: string) =>
    fileName("wal", sequence).replace(".wal.", `${edition}.wal.`);
  const names = [
    ...["", ".2", ".10"].map((number) => name(1, "") + number),
    name(2, ".12"),
    name(10, ".2"),
  ];
  await disk.makeDirectory(`${DIRECTORY}/quarantine`);
  for (const each of names) disk.plant(`${DIRECTORY}/quarantine/${each}`, new Uint8Array());
  for (const direction of [1, -1]) {
    const fs: DurableFs = badDisk(disk).fs;
    const list = async (path: string) =>
      (await disk.list(path)).sort((a, b) => a.name < b.name ? -direction : direction);
    const { targets } = await planSalvage({ ...fs, list }, DIRECTORY, "test");
    assertEquals(targets.map(({ file }) => file.name), names);
    assertEquals(targets.map(({ file }) => file.edition), [1, 1, 1, 12, 2]);
  }
});

test("planSalvage() searches no snapshot that a later edition has replaced", async () => {
  const disk = await makeState("one", "|", "two", "|", "three");
  {
    await using manager = await openLedger(DIRECTORY, { fs: disk, compaction: "manual" });
    await manager.createSnapshot();
  }
  const bad = [fileName("wal", 2), fileName("snapshot", 3)];
  const { fs } = badDisk(disk, ...bad.map((part) => ({ part, code: "EBADMSG" })));
  await (await Journal.open(DIRECTORY, journalName, { fs, onCorruption: "quarantine" })).close();
  const { superseded } = await listState(disk, DIRECTORY, "test");
  assertEquals(superseded.map(({ name }) => name).sort(), bad.toSorted());
  const { targets } = await planSalvage(disk, DIRECTORY, "test");
  assertEquals(targets.map(({ file }) => file.name).includes(bad[1]!), false);
  assertEquals(targets.map(({ file }) => file.name).includes(bad[0]!), true);
});
