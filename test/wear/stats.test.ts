// Tests the write totals that a manager reports against an independent count below it.

import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type {
  DurableFs,
  OpenMode,
  StateManagerOptions,
  Stats,
  WriteCounts,
} from "@ministate/ministate";
import { StateManager } from "@ministate/ministate";
import { FILL_RESERVE } from "../../src/format/format.ts";
import { EXTREME_POWER_CUTS } from "../../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { Random } from "../../testing/disk/random.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { batchLines, checksumOf, controlLine, fileName, segmentHeader } from "../support/files.ts";
import { journalName, ledger, openLedger } from "../support/samples.ts";
import { countsOf, tapped } from "../support/tapped_fs.ts";
import { until } from "../support/until.ts";

const NONE = { mutations: 0, recordBytes: 0, writes: 0, bytes: 0, cardBytes: 0, syncs: 0 };
const decoder = new TextDecoder();

function open(fs: DurableFs, options: StateManagerOptions = {}) {
  return openLedger(DIRECTORY, { fs, compaction: "manual", ...options });
}

/** The size of the journal's records, found by reading its files. */
function recordBytesOf(disk: PowerCutDisk): number {
  const names = disk.paths(DIRECTORY).filter((path) => /\/state\/[^/]*\.wal\.jsonl$/.test(path));
  return names.map((path) => decoder.decode(disk.peek(path)!))
    .flatMap((text) => text.split("\n"))
    .filter((line) => /^\[\d/.test(line))
    .reduce((size, line) => size + new TextEncoder().encode(line).length + 1, 0);
}

const wal = (first: number) => `${DIRECTORY}/${fileName("wal", first)}`;

/** The last line of a segment that is not empty. */
function lastLineOf(disk: PowerCutDisk, first: number): string {
  return decoder.decode(disk.peek(wal(first))!).trimEnd().split("\n").at(-1)!;
}

/** The counts that a tap has too. */
function reported(counts: WriteCounts) {
  return countsOf({ ...counts, directorySyncs: 0 });
}

test("stats() counts since open what reaches the disk, in journal, fill, snapshots and compaction", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  const manager = await open(tap.fs);
  assertEquals(reported(manager.stats().sinceOpen), countsOf(tap));
  await manager.apply("a record of some size");
  await manager.applyAll(["ä", 2, [3]]);
  await Promise.all(Array.from({ length: 50 }, (_, i) => manager.apply("x".repeat(i * 97))));
  await manager.apply("y".repeat(200_000));
  const { sinceOpen } = manager.stats();
  assertEquals(reported(sinceOpen), countsOf(tap));
  assertEquals([sinceOpen.mutations, sinceOpen.recordBytes], [55, recordBytesOf(disk)]);
  assertEquals(sinceOpen.cardBytesPerMutation, tap.cardBytes / 55);
  assertEquals(sinceOpen.writeAmplification, tap.cardBytes / sinceOpen.recordBytes);
  await manager.createSnapshot();
  await manager.apply("z");
  await manager.compact();
  await manager.compact();
  await manager.close();
  assertEquals(reported(manager.stats().sinceOpen), countsOf(tap));
});

test("stats() counts whole pages of a card: a small commit costs one", async () => {
  const tap = tapped(freshDisk());
  await using manager = await open(tap.fs);
  // The second fills space ahead.
  for (let i = 0; i < 2; i++) await manager.apply(i);
  const before = manager.stats().sinceOpen;
  for (let i = 0; i < 10; i++) await manager.apply(i);
  const after = manager.stats().sinceOpen;
  assertEquals([after.writes - before.writes, after.syncs - before.syncs], [10, 10]);
  assertEquals(after.cardBytes - before.cardBytes, 40_960);
  assert(after.bytes - before.bytes < 500, `${after.bytes - before.bytes} bytes`);
});

test("stats() leaves out what a backup writes elsewhere", async () => {
  const tap = tapped(freshDisk(), "/data/backup");
  await using manager = await open(tap.fs);
  await manager.apply("x".repeat(10_000));
  await manager.createSnapshot();
  await manager.backup("/data/backup");
  const { sinceOpen } = manager.stats();
  // The directory above the copy is synced for its name, and so on up: of these, the tap sees two.
  assertEquals(reported(sinceOpen), { ...countsOf(tap), syncs: tap.syncs - 2 });
});

test("stats() adds up over several openings, to the byte when each was closed", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  let mutations = 0;
  for (let round = 0; round < 6; round++) {
    const manager = await open(tap.fs);
    assertEquals(reported(manager.stats().life), countsOf(tap), `round ${round}`);
    for (let i = 0; i <= round; i++) await manager.apply("x".repeat(i * 3000));
    mutations += round + 1;
    if (round === 2) await manager.createSnapshot();
    if (round === 4) await manager.compact();
    const { life } = manager.stats();
    assertEquals(reported(life), countsOf(tap), `round ${round}`);
    assertEquals([life.since, life.mutations, manager.sequence], [1, mutations, mutations]);
    await manager.close();
  }
  await using manager = await open(tap.fs, { readOnly: true });
  assertEquals(reported(manager.stats().life), countsOf(tap));
});

test("stats() is exact after a close when a snapshot is written after the seal of an idle journal", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  const isSealed = () =>
    disk.paths(DIRECTORY).some((path) => decoder.decode(disk.peek(path)!).includes('{"seal":2,'));
  const slow = async (path: string, mode: OpenMode) => {
    if (mode === "create" && path.includes(".snapshot.")) await until(isSealed);
    return await tap.fs.open(path, mode);
  };
  const manager = await open({ ...tap.fs, open: slow }, { sealAfterIdleMs: 1 });
  await manager.apply(1);
  const writing = manager.createSnapshot();
  await manager.apply(2);
  await writing;
  await manager.close();
  await using reader = await open(disk, { readOnly: true });
  assertEquals(reported(reader.stats().life), countsOf(tap));
});

test("stats() keeps the life when segments are rotated and compaction deletes them", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  let recordBytes = 0;
  for (let round = 0; round < 3; round++) {
    const manager = await open(tap.fs, { segmentSizeMax: 65_536 });
    for (let i = 0; i < 4; i++) await manager.apply("x".repeat(30_000));
    recordBytes += manager.stats().sinceOpen.recordBytes;
    await manager.compact();
    await manager.close();
  }
  assert(disk.peek(wal(1)) === null, "the first segment is still there");
  await using manager = await open(tap.fs);
  const { life } = manager.stats();
  assertEquals(reported(life), countsOf(tap));
  assertEquals([life.since, life.mutations, life.recordBytes], [1, 12, recordBytes]);
});

/** A journal of two sessions, the last of them ended by `end` after five mutations. */
async function crashed(end: (disk: PowerCutDisk) => PowerCutDisk, sessions: number) {
  const disk = freshDisk();
  const tap = tapped(disk);
  for (let session = 1; session < sessions; session++) {
    const manager = await open(tap.fs);
    for (let i = 0; i < 5; i++) await manager.apply("x".repeat(1000));
    await manager.close();
  }
  const manager = await open(tap.fs);
  for (let i = 0; i < 5; i++) await manager.apply("y".repeat(1000));
  const counted = { ...countsOf(tap), directorySyncs: tap.directorySyncs };
  return { disk: end(disk), counted };
}

test("stats() works out from the journal what was written before a crash or a power cut", async () => {
  const ends = [
    (disk: PowerCutDisk) => disk.crash(),
    ...EXTREME_POWER_CUTS.map((cut) => (disk: PowerCutDisk) => disk.powerCut(cut, new Random(1))),
  ];
  for (const end of ends) {
    const { disk, counted } = await crashed(end, 1);
    const reader = await open(disk, { readOnly: true });
    const { life } = reader.stats();
    // Known from the lines: the segment and its name, and each batch. Syncs of the directory and those above are not.
    const syncs = counted.syncs - counted.directorySyncs + 1;
    assertEquals(reported(life), countsOf({ ...counted, syncs }));
    assertEquals([life.mutations, life.recordBytes], [5, recordBytesOf(disk)]);
    const tap = tapped(disk);
    await using manager = await open(tap.fs);
    const again = manager.stats();
    assertEquals(reported(again.sinceOpen), countsOf(tap));
    assertEquals(again.life.cardBytes, life.cardBytes + tap.cardBytes);
    assertEquals([again.life.mutations, again.sinceOpen.mutations], [5, 0]);
  }
});

test("stats() continues from the last seal when the session after it crashed", async () => {
  const { disk, counted } = await crashed((disk) => disk.crash(), 3);
  await using manager = await open(disk, { readOnly: true });
  const { life } = manager.stats();
  assertEquals([life.mutations, life.recordBytes], [15, recordBytesOf(disk)]);
  // Only the session's repair of the file's end is unknown.
  const missing = counted.cardBytes - life.cardBytes;
  assert(missing > 0 && missing <= 8 * 1024, `${missing} of ${counted.cardBytes} bytes`);
  assert(counted.writes - life.writes <= 4, `${counted.writes} and ${life.writes} writes`);
});

test("stats() starts counting at a segment that doesn't record what was written before it", async () => {
  const disk = freshDisk();
  const [first, second] = [1, 3].map((first) =>
    controlLine({ ...segmentHeader, first, ...(first > 1 ? { after: null } : {}) })
  );
  const records = [[1, first], [3, second]] as const;
  disk.plantDirectory(DIRECTORY);
  for (const [sequence, header] of records) {
    const lines = batchLines(sequence, ["a", "b"], 0, checksumOf(header));
    const seal = controlLine({ seal: sequence + 1 }, checksumOf(header));
    disk.plant(wal(sequence), new TextEncoder().encode(header + lines + seal));
  }
  const size = batchLines(3, ["a", "b"], 0, 0).length;
  const headerSize = second!.length;
  const sealSize = controlLine({ seal: 4 }).length;
  {
    await using manager = await open(disk);
    const { life, sinceOpen } = manager.stats();
    assertEquals([life.since, life.mutations, life.recordBytes], [3, 2, size]);
    // The header and its name, a batch and the reserve that was tried for it, a seal.
    assertEquals(life.bytes - sinceOpen.bytes, headerSize + 2 * size + FILL_RESERVE + sealSize);
    assertEquals(life.writes - sinceOpen.writes, 4);
    assertEquals(life.syncs - sinceOpen.syncs, 4);
    await manager.apply("c");
    await manager.createSnapshot();
  }
  assertMatch(decoder.decode(disk.peek(wal(6))!), /^\{[^\n]*"written":\{"since":3,"mutations":3,/);
  await using manager = await open(disk);
  assertEquals([manager.stats().life.since, manager.stats().life.mutations], [3, 3]);
});

const nonsense = [
  null,
  7,
  "much",
  {},
  { since: 1, ...NONE, bytes: -1 },
  { since: 1, ...NONE, syncs: "1" },
  { ...NONE },
  { since: 1.5, ...NONE },
];

test("open() refuses a header with malformed totals as damaged", async () => {
  for (const written of [undefined, { since: 1, ...NONE, later: 1 }, ...nonsense]) {
    const disk = freshDisk();
    const header = controlLine({ ...segmentHeader, written });
    disk.plantDirectory(DIRECTORY);
    disk.plant(
      wal(1),
      new TextEncoder().encode(header + batchLines(1, ["a"], 0, checksumOf(header))),
    );
    if (nonsense.includes(written as never)) {
      const error = await assertRejects(() => open(disk));
      assertEquals((error as { code?: string }).code, "CORRUPT", JSON.stringify(written));
    } else {
      await using manager = await open(disk);
      assertEquals(manager.stats().life.mutations, 1);
    }
  }
});

test("open() takes a seal with malformed totals for damage: a torn tail, or corruption before a record", async () => {
  const header = controlLine(segmentHeader);
  const seed = checksumOf(header);
  for (const written of nonsense) {
    const sealed = header + batchLines(1, ["a"], 0, seed) + controlLine({ seal: 1, written }, seed);
    for (const text of [sealed, sealed + batchLines(2, ["b"], 0, seed)]) {
      const disk = freshDisk();
      disk.plantDirectory(DIRECTORY);
      disk.plant(wal(1), new TextEncoder().encode(text));
      if (text === sealed) {
        await using manager = await open(disk);
        assertEquals([manager.recovery.torn?.sequence, manager.stats().life.mutations], [2, 1]);
      } else {
        const error = await assertRejects(() => open(disk));
        assertEquals((error as { code?: string }).code, "CORRUPT", JSON.stringify(written));
      }
    }
  }
});

test("stats() stops counting at 2^53 - 1, and the directory opens again", async () => {
  const most = Number.MAX_SAFE_INTEGER;
  const all = Object.fromEntries(Object.keys(NONE).map((count) => [count, most]));
  const disk = freshDisk();
  const header = controlLine({
    ...segmentHeader,
    written: { since: 1, ...all, pad: "x".repeat(3000) },
  });
  disk.plantDirectory(DIRECTORY);
  disk.plant(
    wal(1),
    new TextEncoder().encode(header + batchLines(1, ["a"], 0, checksumOf(header))),
  );
  for (let sequence = 1; sequence <= 3; sequence++) {
    await using manager = await open(disk);
    assertEquals(manager.sequence, sequence);
    const { life } = manager.stats();
    assertEquals({ ...life }, { ...life, since: 1, ...all });
    await manager.createSnapshot();
    await manager.apply("b");
  }
  assertEquals(lastLineOf(disk, 4).includes("pad"), false);
});

test("stats() keeps the life over damage that is set aside", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  {
    await using manager = await open(tap.fs, { segmentSizeMax: 65_536 });
    for (let i = 0; i < 6; i++) await manager.apply("x".repeat(30_000));
  }
  // The segments begin with 1, 3 and 5. The last one has the largest totals.
  const text = decoder.decode(disk.peek(wal(5))!);
  const { written } = JSON.parse(text.slice(0, text.indexOf("\n")));
  disk.flipBit(wal(3), 40_000, 1);
  const counted = tapped(disk);
  const manager = await open(counted.fs, { onCorruption: "quarantine" });
  assertEquals([manager.recovery.lost?.sequenceFirst, manager.sequence], [4, 3]);
  const { life, sinceOpen } = manager.stats();
  assertEquals(reported(sinceOpen), countsOf(counted));
  assertEquals(life.bytes, written.bytes + counted.bytes);
  assertEquals(life.mutations, 4);
  await manager.apply("y");
  await manager.close();
  await using again = await open(counted.fs);
  assertEquals(again.recovery.lost, null);
  const later = again.stats().life;
  assertEquals([later.since, later.mutations, again.sequence], [1, 5, 4]);
  assertEquals(later.cardBytes, written.cardBytes + counted.cardBytes);
  assertEquals(later.bytes, written.bytes + counted.bytes);
});

test("stats() keeps the life from a new version of the mutator on", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  const versions = (version: number) =>
    StateManager.open(DIRECTORY, journalName, {
      ...ledger,
      version,
      migrate: { state: (old: unknown) => old as never, mutation: (old: unknown) => old },
    }, { fs: tap.fs });
  for (const version of [1, 2, 2, 3]) {
    const manager = await versions(version);
    assertEquals(reported(manager.stats().life), countsOf(tap), `version ${version}`);
    await manager.apply(version);
    await manager.close();
  }
});

test("stats() of a reader reports the life and nothing since open", async () => {
  const disk = freshDisk();
  const tap = tapped(disk);
  await using manager = await open(tap.fs);
  await manager.apply("a");
  await manager.apply("b");
  await using reader = await open(disk, { readOnly: true });
  const { sinceOpen, life, cardYears, openMs } = reader.stats({ enduranceBytes: 30e12 });
  assertEquals(sinceOpen, { ...NONE, cardBytesPerMutation: null, writeAmplification: null });
  assertEquals(cardYears, null);
  assert(openMs >= 0);
  assertEquals([life.mutations, life.bytes], [2, tap.bytes]);
  assertEquals(life.cardBytesPerMutation, tap.cardBytes / 2);
});

test("stats() reports zeros for a directory without a state", async () => {
  const disk = freshDisk();
  disk.plantDirectory(DIRECTORY);
  await using reader = await open(disk, { readOnly: true });
  assertEquals(reader.stats().life, {
    since: 1,
    ...NONE,
    cardBytesPerMutation: null,
    writeAmplification: null,
  });
});

test("stats() reports how long a card lasts at the rate since open", async () => {
  await using manager = await open(freshDisk());
  assertEquals(manager.stats().cardYears, null, "no endurance was given");
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { cardYears, sinceOpen, openMs }: Stats = manager.stats({ enduranceBytes: 30e12 });
  assert(openMs >= 15, `open for ${openMs} ms`);
  const bytesPerSecond = sinceOpen.cardBytes / (openMs / 1000);
  const years = 30e12 / bytesPerSecond / (365.25 * 86_400);
  assert(Math.abs(cardYears! / years - 1) < 1e-9, `${cardYears} and ${years} years`);
});

test("stats() refuses invalid options", async () => {
  await using manager = await open(freshDisk());
  for (const enduranceBytes of [0, -1, 0.5, NaN, Infinity]) {
    assertThrows(() => manager.stats({ enduranceBytes }), RangeError, "enduranceBytes");
  }
  assertThrows(() => manager.stats({ enduranceBytes: "30TB" as never }), TypeError);
  assertThrows(() => manager.stats({ endurance: 1 } as never), TypeError, "Unknown option");
  assertThrows(() => manager.stats(null as never), TypeError, "object");
});
