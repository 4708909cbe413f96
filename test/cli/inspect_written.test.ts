// Tests what inspect reports of writes and of a card's life, against an independent count below the library.

import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DurableFs } from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { batchLines, checksumOf, controlLine, fileName, segmentHeader } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { countsOf, tapped } from "../support/tapped_fs.ts";
import { runHere } from "../support/command_in_process.ts";

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const YEAR_DAYS = 365.25;

async function inspect(fs: DurableFs, ...args: string[]): Promise<string> {
  const { code, output, errors } = await runHere(["inspect", DIRECTORY, ...args], { fs });
  assertEquals([code, errors], [0, ""]);
  return output;
}

async function inspectJson(fs: DurableFs, ...args: string[]) {
  return JSON.parse(await inspect(fs, "--json", ...args));
}

/** Each mutation comes one step of the clock after the one before, from `start` on. */
async function write(fs: DurableFs, count: number, start: number, stepMs: number): Promise<void> {
  let time = start;
  const clock = () => time;
  await using manager = await openLedger(DIRECTORY, { fs, clock, compaction: "manual" });
  for (let i = 0; i < count; i++) {
    time += stepMs;
    await manager.apply("x".repeat(60));
  }
}

test("inspect --json reports what reached the disk over the life of a closed directory", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  await write(tap.fs, 20, START, DAY_MS);
  await write(tap.fs, 20, START + 30 * DAY_MS, DAY_MS);
  const { written, cardYears } = await inspectJson(disk);
  const { since, mutations, recordBytes, writes, bytes, cardBytes, syncs } = written;
  assertEquals(countsOf({ writes, bytes, cardBytes, syncs, directorySyncs: 0 }), countsOf(tap));
  assertEquals([since, mutations, cardYears], [1, 40, undefined]);
  assertEquals(written.cardBytesPerMutation, tap.cardBytes / 40);
  assertEquals(written.writeAmplification, tap.cardBytes / recordBytes);
  assertEquals(written.period, { from: START, to: START + 50 * DAY_MS, cardBytes: tap.cardBytes });
});

test("inspect --endurance reports how long a card lasts at the rate of the kept journal", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  await write(tap.fs, 20, START, DAY_MS);
  const years = (endurance: number) => endurance / (tap.cardBytes / 20) / YEAR_DAYS;
  const sizes = [
    ["30TB", 30e12],
    ["1.5 gb", 1.5e9],
    ["512MiB", 512 * 1024 ** 2],
    ["2k", 2000],
    ["1000000", 1e6],
    ["7B", 7],
  ] as const;
  for (const [text, size] of sizes) {
    const { cardYears } = await inspectJson(disk, "--endurance", text);
    assert(Math.abs(cardYears / years(size) - 1) < 1e-9, `${text}: ${cardYears}`);
  }
  assertStringIncludes(
    await inspect(disk, "--endurance", `${tap.cardBytes * 100}`),
    "\ncard        lasts 5.5 years at the rate from 2026-01-01 00:00:00.000Z to 2026-01-21 00:00:00.000Z\n",
  );
  assertMatch(
    await inspect(disk, "--endurance", `${tap.cardBytes}`),
    /\ncard {8}lasts 20 days at /,
  );
  assertMatch(await inspect(disk, "--endurance", "1GB"), /\ncard {8}lasts [\d,]{3,} years at /);
});

test("inspect --endurance draws no rate from less than a day of journal", async () => {
  for (const span of [5, DAY_MS - 1]) {
    const disk = freshDisk();
    await write(disk, 1, START, span);
    assertEquals((await inspectJson(disk, "--endurance", "30TB")).cardYears, null);
    assertStringIncludes(
      await inspect(disk, "--endurance", "30TB"),
      "\ncard        too little to tell: the kept journal spans less than a day\n",
    );
  }
});

test("inspect refuses an invalid endurance", async () => {
  for (const size of ["much", "0", "-1TB", "1XB", "TB", "1e3", "99999PB", "", "0.5"]) {
    const { code, errors } = await runHere(["inspect", DIRECTORY, `--endurance=${size}`]);
    assertEquals(code, 64, size);
    assertStringIncludes(errors, "It must be a size, such as 30TB", size);
  }
});

test("inspect shows a person what was written, and what it adds up to", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  await write(tap.fs, 20, START, DAY_MS);
  const { recordBytes } = (await inspectJson(disk)).written;
  const size = (bytes: number) => (bytes / 1024).toFixed(1);
  const times = Math.round(tap.cardBytes / recordBytes * 10) / 10;
  assertStringIncludes(
    await inspect(disk),
    `\nwritten     20 mutations: ${
      size(tap.cardBytes)
    } KiB, ${tap.writes} writes, ${tap.syncs} syncs\n` +
      `            ${
        size(tap.cardBytes / 20)
      } KiB for each mutation, ${times} times its record\n1 segment\n`,
  );
});

test("inspect counts from the oldest segment that is kept when a compaction has deleted others", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  let time = START;
  const clock = () => time;
  const manager = await openLedger(DIRECTORY, { fs: tap.fs, clock, compaction: "manual" });
  const rotated: number[] = [];
  for (let i = 0; i < 4; i++) {
    time += DAY_MS;
    await manager.apply("x".repeat(60));
    rotated.push(tap.cardBytes);
    await manager.compact();
  }
  time += DAY_MS;
  await manager.apply("y");
  await manager.close();
  const { written, segments } = await inspectJson(disk);
  assertEquals(segments[0].sequenceFirst, 4, "snapshots of 3 and 4 are kept");
  assertEquals([written.mutations, written.cardBytes], [5, tap.cardBytes]);
  const { from, to, cardBytes } = written.period;
  assertEquals([from, to], [START + 3 * DAY_MS, START + 5 * DAY_MS]);
  assertEquals(cardBytes, tap.cardBytes - rotated[2]!);
});

function plant(disk: PowerCutDisk, first: number, header: object, lines: (seed: number) => string) {
  const after = first > 1 ? { after: null } : {};
  const line = controlLine({ ...segmentHeader, first, ...after, ...header });
  if (disk.paths("/data").length === 0) disk.plantDirectory(DIRECTORY);
  const text = line + lines(checksumOf(line));
  disk.plant(`${DIRECTORY}/${fileName("wal", first)}`, new TextEncoder().encode(text));
}

/** Two segments, of sequence 1 and 2, with these times in their headers and batches. */
function timed(times: unknown[]): PowerCutDisk {
  const disk = freshDisk();
  const written = {
    since: 1,
    mutations: 1,
    recordBytes: 1,
    writes: 1,
    bytes: 70_000,
    cardBytes: 70_000,
  };
  const [header, batch, next, last] = times;
  const batchAt = (first: number, time: unknown) => (seed: number) =>
    time === undefined ? "" : batchLines(first, ["a"], time as number, seed);
  plant(disk, 1, { timestamp: header }, batchAt(1, batch));
  plant(disk, 2, { timestamp: next, written: { ...written, syncs: 1 } }, batchAt(2, last));
  return disk;
}

test("inspect doesn't trust a clock that was not set, was stopped or was set back", async () => {
  const [a, b, c, d] = [0, 1, 2, 3].map((day) => START + day * DAY_MS);
  const rows: [unknown[], number | null][] = [
    [[a, b, c, d], 3],
    [[a, b, c, undefined], 2],
    [[a, a, a, b], 1],
    [[a, a, a, a], null],
    [[0, b, c, d], null],
    [[1000, 2000, 3000, 4000], null],
    [[a, c, b, d], null],
    [[a, b, c, a], null],
    [[a, b, 0, d], null],
    [["a", b, c, d], null],
    [[a, b, null, d], null],
  ];
  for (const [times, days] of rows) {
    const disk = timed(times);
    const { written, cardYears } = await inspectJson(disk, "--endurance", "1TB");
    const { period } = written;
    assertEquals(period === null ? null : (period.to - period.from) / DAY_MS, days, `${times}`);
    assertEquals(cardYears === null, days === null, `${times}`);
    if (days === null) {
      assertStringIncludes(
        await inspect(disk, "--endurance", "1TB"),
        "\ncard        it is not known how long it lasts: the kept journal spans no time, or the clock was",
      );
    }
  }
});

test("inspect says from where on it counts when an older version wrote what is before", async () => {
  const disk = freshDisk();
  const batch = (first: number) => (seed: number) => batchLines(first, ["a"], START + DAY_MS, seed);
  plant(disk, 1, { timestamp: 0 }, batch(1));
  plant(disk, 2, { timestamp: START }, batch(2));
  const { written } = await inspectJson(disk);
  assertEquals([written.since, written.mutations], [2, 1]);
  assertEquals([written.period.from, written.period.cardBytes], [START, written.cardBytes]);
  assertMatch(
    await inspect(disk),
    /\nwritten {5}1 mutation from sequence 2 on; what came before is not known: 8\.0 KiB, 3 writes, 3 syncs\n/,
  );
});

test("inspect reports a life without mutations, and a directory whose headers are all damaged", async () => {
  const disk = freshDisk();
  plant(disk, 1, { timestamp: START }, () => "");
  assertMatch(
    await inspect(disk, "--endurance", "1TB"),
    /\nwritten {5}0 mutations: 4\.0 KiB, 1 write, 2 syncs\ncard /,
  );
  disk.flipBit(`${DIRECTORY}/${fileName("wal", 1)}`, 60, 1);
  const { written } = await inspectJson(disk);
  assertEquals([written.since, written.mutations, written.cardBytes, written.period], [
    1,
    0,
    0,
    null,
  ]);
});

test("inspect leaves a segment of another journal out of the period", async () => {
  const disk = timed([START, START + DAY_MS, START + 2 * DAY_MS, START + 3 * DAY_MS]);
  plant(disk, 3, { timestamp: START + 9 * DAY_MS, id: "fedcba9876543210" }, () => "");
  const { written } = await inspectJson(disk);
  assertEquals(written.period.to, START + 3 * DAY_MS);
});
