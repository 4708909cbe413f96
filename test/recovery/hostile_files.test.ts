// Tests files made to exhaust or to mislead: they are refused or set aside, in bounded time.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  ForeignFormatError,
  MinistateError,
  StateManager,
  TooLargeError,
} from "@ministate/ministate";
import { BatchEncoder } from "../../src/format/encode.ts";
import type { SegmentHeader } from "../../src/format/format.ts";
import { readHeader } from "../../src/format/scan.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { cpuTimeOf } from "../support/cpu_time.ts";
import { checksumOf, controlLine, fileName } from "../support/files.ts";
import { DIRECTORY, NAME } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";

const MEBIBYTE = 1024 * 1024;

/** How long one open may compute, in milliseconds: far more than it does, far less than a hang. */
const OPEN_MS_MAX = 20_000;

interface Store {
  values: unknown[];
}

const store = {
  initial: (): Store => ({ values: [] }),
  apply: (state: Store, value: unknown) => state.values.push(value),
};

function open(fs: PowerCutDisk, onCorruption: "fail" | "quarantine") {
  const options = { fs, onCorruption, compaction: "manual" } as const;
  return StateManager.open<Store, unknown, number>(DIRECTORY, NAME, store, options);
}

const utf8 = new TextEncoder();
const repeated = (text: string, size: number) => utf8.encode(text.repeat(size / text.length));

/** What follows one acknowledged record. */
const tails: { name: string; bytes: (seal: (text: string) => Uint8Array) => Uint8Array }[] = [
  { name: "a line of 64 MiB follows", bytes: () => repeated("x", 64 * MEBIBYTE) },
  { name: "a string of 40 MiB follows", bytes: () => repeated('[2,"xxxx', 40 * MEBIBYTE) },
  {
    name: "millions of lines follow that begin like records",
    bytes: () => repeated("[1,\n", 16 * MEBIBYTE),
  },
  {
    name: "millions of lines follow that look like records",
    bytes: () => repeated("[2,1]\n", 18 * MEBIBYTE),
  },
  {
    name: "hundreds of thousands of lines follow that look like the ends of batches",
    bytes: () => repeated('[2,1,1,1,"00000000"]\n', 8 * MEBIBYTE),
  },
  { name: "one line nests without end", bytes: () => repeated("[2,", 12 * MEBIBYTE) },
  {
    name: "one line names a million sequences",
    bytes: () => utf8.encode(Array.from({ length: 1_000_000 }, (_, i) => `[${i},`).join("")),
  },
  { name: "brackets nest without end", bytes: () => repeated("[", 8 * MEBIBYTE) },
  { name: "braces nest without end", bytes: () => repeated('{"a":', 8 * MEBIBYTE) },
  {
    name: "a sequence is beyond all numbers",
    bytes: () => utf8.encode('[99999999999999999999,1,2,3,"00000000"]\n'),
  },
  { name: "zeros follow", bytes: () => new Uint8Array(32 * MEBIBYTE) },
  {
    name: "a sealed record nests 100,000 deep",
    bytes: (seal) => seal("[".repeat(100_000) + "]".repeat(100_000)),
  },
];

for (const { name, bytes } of tails) {
  test(`open() finishes in time with what is provable when ${name}`, async () => {
    const fs = freshDisk();
    const manager = await open(fs, "fail");
    await manager.apply("kept");
    const path = manager.journalPath;
    const disk = fs.crash();
    const file = disk.peek(path)!;
    const end = file.findLastIndex((byte) => byte !== 10) + 2;
    const header = readHeader<SegmentHeader>(file, "journal", (b, s) => fs.crc32(b, s));
    assert(header.kind === "sound");
    const seal = (text: string) =>
      new BatchEncoder((b, s) => fs.crc32(b, s)).encode([text], 1, 0, header.checksum).slice();
    const tail = bytes(seal);
    const whole = new Uint8Array(end + tail.length);
    whole.set(file.subarray(0, end));
    whole.set(tail, end);
    disk.plant(path, whole);
    await inTime(() => openOrRefuse(disk.image()));
    await inTime(async () => {
      const opened = await open(disk, "quarantine");
      assertEquals(opened.state.values[0], "kept");
      await opened.apply("more");
      await opened.close();
    });
  });
}

async function inTime(run: () => Promise<void>): Promise<void> {
  const took = await cpuTimeOf(run);
  assert(took < OPEN_MS_MAX, `it took ${took} ms of computing`);
}

async function openOrRefuse(disk: PowerCutDisk): Promise<void> {
  try {
    const manager = await open(disk, "fail");
    assertEquals(manager.state.values[0], "kept");
    await manager.close();
  } catch (error) {
    if (!(error instanceof MinistateError)) throw error;
    assertEquals(error.code, "CORRUPT");
  }
}

/** A journal that a snapshot with right checksums carries to `sequence`. */
function carriedTo(sequence: number): PowerCutDisk {
  const disk = freshDisk();
  disk.plantDirectory(DIRECTORY);
  const header = { format: 1, id: "0123456789abcdef" };
  const rest = { mutator: null, version: 1, timestamp: 0 };
  const plant = (kind: "wal" | "snapshot", at: number, text: string) =>
    disk.plant(`${DIRECTORY}/${fileName(kind, at).replace("test", "w")}`, utf8.encode(text));
  const first = controlLine({ ministate: "snapshot", ...header, sequence, ...rest });
  const line = '[[],{"values":[]}]\n';
  const end = controlLine({ end: 1 }, disk.crc32(utf8.encode(line), checksumOf(first)));
  plant("snapshot", sequence, first + line + end);
  plant(
    "wal",
    sequence,
    controlLine({ ministate: "journal", ...header, first: sequence, ...rest }),
  );
  return disk;
}

test("apply() fails with TOO_LARGE when there is no sequence left, and the state opens again", async () => {
  const disk = carriedTo(Number.MAX_SAFE_INTEGER - 2);
  // The segment's own record is not there: without it, the journal ends below the snapshot.
  const manager = await open(disk, "quarantine");
  assertEquals(await manager.apply("last"), {
    sequence: Number.MAX_SAFE_INTEGER - 1,
    result: 1,
  });
  await assertRejects(() => manager.apply("none left"), TooLargeError);
  await manager.createSnapshot();
  await manager.close();
  const again = await open(disk, "fail");
  assertEquals(again.state.values, ["last"]);
  await assertRejects(() => again.apply("none left"), TooLargeError);
  await again.close();
});

test("open() refuses a snapshot when its sequence leaves none for the record after it", async () => {
  const disk = carriedTo(Number.MAX_SAFE_INTEGER);
  for (const onCorruption of ["fail", "quarantine"] as const) {
    await assertRejects(() => open(disk, onCorruption), ForeignFormatError);
  }
});

test("open() keeps __proto__ as data when it is in mutations, states and snapshots", async () => {
  const fs = freshDisk();
  const manager = await open(fs, "fail");
  const value = JSON.parse(
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}',
  );
  await manager.apply(value);
  await manager.createSnapshot();
  await manager.apply(JSON.parse('["__proto__"]'));
  await manager.close();
  const again = await open(fs.crash(), "fail");
  assertEquals(JSON.stringify(again.state.values), JSON.stringify([value, ["__proto__"]]));
  assertEquals(({} as { polluted?: unknown }).polluted, undefined);
  await again.close();
});
