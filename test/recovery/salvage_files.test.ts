// Tests which files `salvage()` searches, and what it says of those that it can't use.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { encodeHeader, encodeSeal } from "../../src/format/encode.ts";
import type { DurableFs } from "../../src/durable_fs.ts";
import { Journal } from "../../src/journal.ts";
import { salvage, type SalvagedRecord } from "../../src/recovery/salvage.ts";
import { planSalvage } from "../../src/recovery/salvage_targets.ts";
import { badDisk } from "../support/bad_disk.ts";
import { assertFails } from "../support/errors.ts";
import { fileName, segmentHeader } from "../support/files.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { ioFailure } from "../support/three_segments.ts";

const DIRECTORY = "/data/state";
const wal = (sequence: number) => `${DIRECTORY}/${fileName("wal", sequence)}`;
const aside = (name: string) => `${DIRECTORY}/quarantine/${name}`;

/** Three mutations, of which the second is damaged and then set aside with the third. */
async function makeRepaired(): Promise<PowerCutDisk> {
  const disk = freshDisk();
  {
    await using manager = await openLedger(DIRECTORY, { fs: disk });
    for (const mutation of ["one", "two", "three"]) await manager.apply(mutation);
  }
  rot(disk, wal(1), "two");
  await (await Journal.open(DIRECTORY, journalName, { fs: disk, onCorruption: "quarantine" }))
    .close();
  return disk;
}

function rot(disk: PowerCutDisk, path: string, what: string): void {
  const text = new TextDecoder().decode(disk.peek(path)!);
  disk.plant(path, new TextEncoder().encode(text.replace(what, "x".repeat(what.length))));
}

async function search(fs: DurableFs) {
  const { id, targets } = await planSalvage(fs, DIRECTORY, "test");
  const records: SalvagedRecord[] = [];
  const report = await salvage(fs, targets, id, async (found) => {
    await Promise.resolve(records.push(...found));
  });
  return { ...report, records, sequences: records.map(({ sequence }) => sequence) };
}

test("salvage() searches what was set aside, from where its report says that records are lost", async () => {
  const disk = await makeRepaired();
  assertEquals((await search(disk)).sequences, [3]);
  // Without a report, all that the file holds.
  for (const report of ["null", "[]", '{"sequenceFirst":2}', '{"quarantined":["x"]}', "{"]) {
    disk.plant(aside("lost-from-2.json"), new TextEncoder().encode(report));
    assertEquals((await search(disk)).sequences, [1, 3], report);
  }
});

test("salvage() does without a report that the disk refuses to give, and fails with the system's error", async () => {
  const disk = await makeRepaired();
  const refuse = (part: string, code: string, range?: [number, number]) =>
    badDisk(disk, range === undefined ? { part, code } : { part, code, range }).fs;
  assertEquals((await search(refuse("lost-from", "EIO"))).sequences, [1, 3]);
  await assertFails(() => search(refuse("lost-from", "EMFILE")), ioFailure("EMFILE"));
  const part = `quarantine/${fileName("wal", 1)}`;
  await assertFails(() => search(refuse(part, "EMFILE")), ioFailure("EMFILE"));
  await assertFails(() => search(refuse(part, "EMFILE", [0, 1e6])), ioFailure("EMFILE"));
  const { unproven } = await search(refuse(part, "EIO"));
  assertEquals(
    unproven.map((
      { reason, sequenceFirst, sequenceLast },
    ) => [reason, sequenceFirst, sequenceLast]),
    [["the disk refuses to give it (EIO)", 2, null]],
  );
});

test("salvage() fails with the system's error when it can't continue after a header", async () => {
  const disk = await makeRepaired();
  const path = aside(fileName("wal", 1));
  const bytes = new Uint8Array(8192).fill(10);
  bytes.set(disk.peek(path)!);
  disk.plant(path, bytes);
  const { fs } = badDisk(disk, { part: path, code: "EMFILE", range: [4096, 8192] });
  await assertFails(() => search(fs), ioFailure("EMFILE"));
});

test("salvage() passes over files that are no segments of the journal, and names one of a newer format", async () => {
  const disk = await makeRepaired();
  const copy = disk.peek(aside(fileName("wal", 1)))!;
  for (
    const name of ["other-0000000000000001.wal.jsonl", "test-1.wal.jsonl", fileName("snapshot", 1)]
  ) {
    disk.plant(aside(name), copy);
  }
  const newer = encodeHeader({ ...segmentHeader, first: 9, after: null, format: 2 }, disk.crc32);
  disk.plant(aside(fileName("wal", 9)), new Uint8Array(newer.bytes));
  const { sequences, unproven } = await search(disk);
  assertEquals(sequences, [3]);
  assertEquals(unproven.at(-1), {
    path: aside(fileName("wal", 9)),
    offset: 0,
    sequenceFirst: 9,
    sequenceLast: null,
    reason: "a newer version of this library wrote it",
  });
});

test("salvage() searches files that a later edition has replaced", async () => {
  const disk = freshDisk();
  {
    await using manager = await openLedger(DIRECTORY, { fs: disk, compaction: "manual" });
    for (const mutation of ["one", "two", "three"]) {
      await manager.apply(mutation);
      await manager.createSnapshot();
    }
  }
  for (const sequence of [1, 2, 3]) {
    await disk.remove(`${DIRECTORY}/${fileName("snapshot", sequence)}`);
  }
  const stuck = badDisk(disk, { part: fileName("wal", 2), code: "EBADMSG" }).fs;
  const options = { fs: stuck, onCorruption: "quarantine" as const };
  await (await Journal.open(DIRECTORY, journalName, options)).close();
  const { sequences, records } = await search(disk);
  assertEquals(sequences, [2, 3]);
  assertEquals(records[0]!.path, wal(2));
});

test("salvage() takes all records of an older segment that is damaged and not needed", async () => {
  const disk = freshDisk();
  {
    await using manager = await openLedger(DIRECTORY, { fs: disk, compaction: "manual" });
    for (const mutation of ["one", "two", "three"]) await manager.apply(mutation);
    await manager.createSnapshot();
    await manager.apply("four");
  }
  rot(disk, wal(1), "two");
  assertEquals((await search(disk)).sequences, [1, 3]);
});

test("salvage() takes no outcome from a segment of another history", async () => {
  const disk = freshDisk();
  await (await openLedger(DIRECTORY, { fs: disk })).close();
  const other = disk.image();
  for (const [fs, mutations] of [[disk, ["one", "two"]], [other, ["uno", "due"]]] as const) {
    await using manager = await openLedger(DIRECTORY, { fs, compaction: "manual" });
    for (const mutation of mutations) await manager.apply(mutation);
    await fs.remove((await manager.createSnapshot()).path);
    await manager.apply("three");
  }
  // So that no seal says it.
  rot(disk, wal(1), '{"seal":2');
  rot(disk, wal(1), "one");
  const outcomes = async () => (await search(disk)).records.map(({ refused }) => refused);
  assertEquals(await outcomes(), [false, false]);
  disk.plant(wal(3), other.peek(wal(3))!);
  assertEquals(await outcomes(), [null, false]);
});

for (
  const [what, content, refused] of [
    ["lists it", { refused: [[3, 3]] }, true],
    ["lists nothing", {}, false],
    ["doesn't say", { undecided: true }, null],
    ["lists what can't be", { refused: [[3, 9]] }, null],
  ] as const
) {
  test(`salvage() takes a record for ${refused} when the seal after it ${what}`, async () => {
    const disk = freshDisk();
    const seed = await makeJournal(disk);
    const { length } = disk.peek(wal(1))!;
    const seal = encodeSeal({ sequence: 3, ...content }, disk.crc32, seed);
    const bytes = new Uint8Array(length + seal.length);
    bytes.set(disk.peek(wal(1))!);
    bytes.set(seal, length);
    disk.plant(wal(1), bytes);
    rot(disk, wal(1), "two");
    assertEquals((await search(disk)).records.map(({ refused }) => refused), [refused]);
  });
}

/** Three mutations without a seal; resolves with the checksum of the header. */
async function makeJournal(disk: PowerCutDisk): Promise<number> {
  const journal = await Journal.open(DIRECTORY, journalName, { fs: disk });
  for (const mutation of ["one", "two", "three"]) await journal.append([mutation]);
  await journal.close();
  const text = new TextDecoder().decode(disk.peek(wal(1))!).replace(/\{"seal".*\n/, "");
  disk.plant(wal(1), new TextEncoder().encode(text));
  return parseInt(text.slice(0, text.indexOf("\n")).slice(-10, -2), 16);
}
