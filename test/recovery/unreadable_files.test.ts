// Tests files, and places in them, that the disk refuses to read: they count as damaged and don't prevent opening.

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CorruptionError, type DurableFs, IoError, StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { type Bad, badDisk } from "../support/bad_disk.ts";
import { fileName } from "../support/files.ts";
import { systemError } from "../support/wrapped_fs.ts";
import { journalName, type Ledger, ledger } from "../support/samples.ts";

const DIRECTORY = "/data/state";
const wal = (sequence: number) => fileName("wal", sequence);
const snapshot = (sequence: number) => fileName("snapshot", sequence);
const modes = ["fail", "quarantine"] as const;
/** So long that each record takes a page. */
const PAD = "x".repeat(5000);

function open(fs: DurableFs, options: object = {}) {
  return StateManager.open<Ledger, unknown, number>(DIRECTORY, journalName, ledger, {
    fs,
    compaction: "manual",
    ...options,
  });
}

/** Segments from 1, 3 and 5 with two mutations each, snapshots of sequence 2 and 4, a seal. */
async function makeState(pad = ""): Promise<PowerCutDisk> {
  const fs = freshDisk();
  await using manager = await open(fs);
  for (let i = 1; i <= 6; i++) {
    await manager.apply(`${i}${pad}`);
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
  return fs;
}

/** One segment with six long mutations and a seal. */
async function makeLong(): Promise<PowerCutDisk> {
  const fs = freshDisk();
  await using manager = await open(fs);
  for (let i = 1; i <= 6; i++) await manager.apply(`${i}${PAD}`);
  return fs;
}

/** The first letters of what is kept. */
const kept = (manager: { state: { entries: readonly unknown[] } }) =>
  manager.state.entries.map((entry) => `${entry}`[0]).join("");

/** Everything in the directory but the lock file. */
function contents(disk: PowerCutDisk): string[] {
  return disk.paths(DIRECTORY).filter((path) => !path.endsWith(".lock"))
    .map((path) => `${path}\n${new TextDecoder("latin1").decode(disk.peek(path)!)}`);
}

/** What a file's own damage shows itself by, on one file system or device or another. */
const OWN = [
  "EIO",
  "EBADMSG",
  "EUCLEAN",
  "ENXIO",
  "EREMOTEIO",
  "ESOMETHING",
  "Structure needs cleaning (os error 117)",
];

for (const code of OWN) {
  test(`open() continues without a file that nothing depends on when the disk says ${code}`, async () => {
    for (const part of [snapshot(4), snapshot(2), wal(1), wal(3)]) {
      for (const onCorruption of modes) {
        const disk = await makeState();
        const { fs } = badDisk(disk, { part, code });
        {
          await using reader = await open(fs, { onCorruption, readOnly: true });
          assertEquals([kept(reader), reader.recovery.lost], ["123456", null], part);
        }
        const { verdict, nextOpen } = await inspectState(fs, DIRECTORY, journalName);
        assertEquals([verdict, nextOpen.outcome, nextOpen.sequence], ["corrupt", "open", 6], part);
        await using manager = await open(fs, { onCorruption });
        assertEquals([kept(manager), manager.recovery.lost], ["123456", null], part);
        const skipped = manager.recovery.snapshotsSkipped.map(({ sequence }) => sequence);
        assertEquals(skipped, part === snapshot(4) ? [4] : []);
        await manager.apply("7");
        if (part === wal(3)) {
          // The older snapshot needs it.
          await assertRejects(() => manager.backup("/data/backup"), IoError);
          continue;
        }
        await manager.backup("/data/backup");
        await using copy = await StateManager.open("/data/backup", journalName, ledger, { fs });
        assertEquals(kept(copy), "1234567", part);
      }
    }
  });
}

/** What says nothing about a file: something about the moment, the process, or the whole place. */
const PASSED_ON = [
  ...["EMFILE", "ENFILE", "ENOMEM", "EACCES", "EPERM", "EROFS", "EINTR", "EAGAIN", "EBUSY"],
  ...["ENODEV", "ENOMEDIUM", "ESTALE", "ENOTCONN", "ERR_OUT_OF_RANGE", "no memory is left"],
];

for (const code of PASSED_ON) {
  test(`open() fails with the system's error and changes nothing when it says ${code}`, async () => {
    const places: Partial<Bad>[] = [
      ...[snapshot(4), snapshot(2), wal(1), wal(5)].map((part) => ({ part })),
      { part: snapshot(4), range: [100, 200] },
      { part: wal(5), range: [300, 400] },
    ];
    for (const place of places) {
      const disk = await makeState();
      const before = contents(disk);
      const { fs } = badDisk(disk, { code, ...place } as Bad);
      for (const options of [{}, { onCorruption: "quarantine" }, { readOnly: true }]) {
        const error = await assertRejects(() => open(fs, options), IoError);
        assertEquals(error.systemCode, /^E[A-Z0-9]+$/.test(code) ? code : undefined);
      }
      await assertRejects(() => inspectState(fs, DIRECTORY, journalName), IoError);
      assertEquals(contents(disk), before);
    }
  });
}

test("open() tries three times to read what the disk refuses, and uses it when it succeeds", async () => {
  const bads: Bad[] = [
    { part: snapshot(4), code: "EIO", range: [100, 200] },
    { part: wal(5), code: "EIO", range: [300, 400] },
    { part: wal(5), code: "EIO" },
  ];
  for (const bad of bads) {
    const disk = await makeState();
    const { fs } = badDisk(disk, { ...bad, times: 2 });
    await using manager = await open(fs, { onCorruption: "quarantine" });
    assertEquals(kept(manager), "123456");
    assertEquals([manager.recovery.lost, manager.recovery.snapshotsSkipped], [null, []]);
  }
});

test("open() leaves an unfinished file that only fsck can remove, and fails for one that could be removed", async () => {
  for (const code of ["EBADMSG", "EUCLEAN", "EIO", "EACCES"]) {
    const disk = await makeState();
    const path = `${DIRECTORY}/${wal(9)}.tmp`;
    disk.plant(path, new Uint8Array(5));
    const remove = (name: string) =>
      name === path ? Promise.reject(systemError(code)) : disk.remove(name);
    const fs = { ...badDisk(disk).fs, remove };
    if (code === "EACCES") {
      const error = await assertRejects(() => open(fs), IoError);
      assertEquals([error.path, error.systemCode], [path, code]);
      continue;
    }
    await using manager = await open(fs);
    assertEquals(kept(manager), "123456");
    assertEquals(disk.peek(path)?.length, 5);
  }
});

test("open() gives up on a snapshot only when the disk refuses it three times", async () => {
  for (const [times, skipped] of [[2, 0], [3, 1]] as const) {
    const disk = await makeState(PAD);
    // After the first line, which is read separately.
    const bad: Bad = { part: snapshot(4), code: "EIO", range: [9000, 9100], times };
    await using manager = await open(badDisk(disk, bad).fs);
    assertEquals([manager.sequence, manager.recovery.snapshotsSkipped.length], [6, skipped]);
  }
});

for (const code of ["EIO", "EBADMSG"]) {
  test(`open() says what is lost when a snapshot beyond the journal's end can't be read (${code})`, async () => {
    const disk = await makeState();
    for (const sequence of [3, 5]) disk.unplant(`${DIRECTORY}/${wal(sequence)}`);
    // The first segment ends where the older snapshot does; only the newer one shows that there was more.
    const { fs } = badDisk(disk, { part: snapshot(4), code, range: [0, 100] });
    const error = await assertRejects(() => open(fs), CorruptionError);
    assertEquals(error.lost, { sequenceFirst: 3, sequenceLast: 4 });
    await using manager = await open(fs, { onCorruption: "quarantine" });
    assertEquals([kept(manager), manager.recovery.lost?.sequenceLast], ["12", 4]);
  });
}

test("open() keeps what is sound before an unreadable place, and says what is lost", async () => {
  const disk = await makeLong();
  const path = `${DIRECTORY}/${wal(1)}`;
  const at = new TextDecoder().decode(disk.peek(path)!).indexOf("[4,") + 100;
  const before = contents(disk);
  const { fs } = badDisk(disk, { part: wal(1), code: "EIO", range: [at, at + 512] });
  const error = await assertRejects(() => open(fs), CorruptionError, "EIO");
  assertEquals([error.systemCode, error.offset, error.path], ["EIO", at, path]);
  assertEquals(error.lost, { sequenceFirst: 4, sequenceLast: 6 });
  const { findings, nextOpen } = await inspectState(fs, DIRECTORY, journalName);
  assertEquals(findings.map(({ severity, offset }) => [severity, offset]), [["corrupt", at]]);
  assertEquals([nextOpen.outcome, nextOpen.sequence], ["refuse", 3]);
  assertEquals(contents(disk), before);
  {
    await using reader = await open(fs, { readOnly: true, onCorruption: "quarantine" });
    assertEquals([kept(reader), reader.recovery.lost?.sequenceFirst], ["123", 4]);
  }
  const original = disk.peek(path)!;
  await using manager = await open(fs, { onCorruption: "quarantine" });
  const { sequenceLast, reason, quarantined } = manager.recovery.lost!;
  assertEquals([kept(manager), sequenceLast, quarantined.length], ["123", 6, 1]);
  assert(reason.includes("EIO"), reason);
  assertEquals((await manager.apply("new")).sequence, 4);
  // All that could be read is kept, and zero bytes for the rest of the page.
  const copy = disk.peek(quarantined[0]!)!;
  const end = at - at % 4096 + 4096;
  const same = (from: number, to: number) =>
    assertEquals(copy.subarray(from, to), original.subarray(from, to));
  assertEquals(copy.length, original.length);
  assert(copy.subarray(at, end).every((byte) => byte === 0));
  same(0, at);
  same(end, original.length);
  await manager.close();
  await using again = await open(disk);
  assertEquals([kept(again), again.recovery.lost], ["123n", null]);
});

test("open() never cuts a tail that is partly unreadable, and keeps all records before it", async () => {
  const disk = await makeLong();
  const text = new TextDecoder().decode(disk.peek(`${DIRECTORY}/${wal(1)}`)!);
  // The last record with everything after it; and what follows a torn line.
  for (const [from, sound] of [[text.indexOf("[6,") + 10, 5], [text.indexOf('{"seal') + 1, 6]]) {
    const fork = disk.image();
    const { fs } = badDisk(fork, { part: wal(1), code: "EIO", range: [from!, text.length] });
    const error = await assertRejects(() => open(fs), CorruptionError);
    assertEquals(error.lost, { sequenceFirst: sound! + 1, sequenceLast: null });
    await using manager = await open(fs, { onCorruption: "quarantine" });
    assertEquals([manager.sequence, manager.recovery.torn], [sound, null]);
    assertEquals(manager.recovery.lost?.sequenceFirst, sound! + 1);
  }
});

test("open() needs nothing between a segment's last record and the next segment", async () => {
  const disk = await makeLong();
  const size = disk.peek(`${DIRECTORY}/${wal(1)}`)!.length;
  await open(disk, { segmentSizeMax: 64 * 1024 }).then(async (manager) => {
    while (manager.journalPath.endsWith(wal(1))) await manager.apply(PAD);
    await manager.close();
  });
  const text = new TextDecoder().decode(disk.peek(`${DIRECTORY}/${wal(1)}`)!);
  assert(text.length > size);
  disk.plant(`${DIRECTORY}/${wal(1)}`, new TextEncoder().encode(text.padEnd(100_000, "\n")));
  const range: [number, number] = [text.length + 10, 100_000];
  const { fs } = badDisk(disk, { part: wal(1), code: "EIO", range });
  await using manager = await open(fs);
  assertEquals(manager.recovery.lost, null);
});

test("open() sets aside a segment of which the disk returns nothing, and continues", async () => {
  for (const bad of [{ range: [0, 200] as [number, number] }, {}]) {
    const disk = await makeState(PAD);
    // It can be moved, though not read.
    const { fs: unreadable } = badDisk(disk, { part: `state/${wal(5)}`, code: "EIO", ...bad });
    const fs = { ...unreadable, rename: disk.rename.bind(disk) };
    const error = await assertRejects(() => open(fs), CorruptionError, "first line (EIO)");
    assertEquals(error.lost.sequenceFirst, 5);
    await using manager = await open(fs, { onCorruption: "quarantine" });
    assertEquals(kept(manager), "1234");
    const [aside] = manager.recovery.lost!.quarantined;
    const text = new TextDecoder().decode(disk.peek(aside!)!);
    assertEquals([text.includes("[6,"), text.startsWith("\0")], [true, bad.range !== undefined]);
    await manager.close();
    await using again = await open(disk);
    assertEquals([kept(again), again.recovery.lost], ["1234", null]);
  }
});

test("open() skips larger and larger parts of an unreadable stretch, and keeps the rest", async () => {
  const disk = await makeLong();
  const path = `${DIRECTORY}/${wal(1)}`;
  const size = 8 * 1024 * 1024;
  const bytes = new Uint8Array(size).fill(0x78);
  bytes.set(disk.peek(path)!.subarray(0, 6000));
  disk.plant(path, bytes);
  const bad = badDisk(disk, { part: wal(1), code: "EIO", range: [8192, size - 8192] });
  await using manager = await open(bad.fs, { onCorruption: "quarantine" });
  assertEquals(kept(manager), "1");
  const copy = disk.peek(manager.recovery.lost!.quarantined[0]!)!;
  assertEquals([copy.length, copy[8191], copy[8192]], [size, 0x78, 0]);
  // Page by page it would be thousands, for each time that it is read.
  assert(bad.refusals < 1000, `${bad.refusals} refusals`);
});

test("open() gives up nothing when the disk refuses every file", async () => {
  const disk = await makeState();
  const before = contents(disk);
  for (const bad of [{ range: [0, 1] as [number, number] }, {}]) {
    const { fs } = badDisk(disk, { part: "test-", code: "EIO", ...bad });
    for (const onCorruption of modes) {
      await assertRejects(() => open(fs, { onCorruption }), IoError, "EIO");
    }
  }
  assertEquals(contents(disk), before);
});

test("compact() deletes what it can when only fsck can remove a file", async () => {
  const disk = await makeState();
  const { fs } = badDisk(disk, { part: wal(1), code: "EUCLEAN" });
  await using manager = await open(fs);
  for (let i = 7; i < 10; i++) {
    await manager.apply(`${i}`);
    await manager.compact();
  }
  const segments = disk.paths(DIRECTORY).filter((path) => path.includes(".wal."));
  assertEquals(segments.map((path) => path.slice(-wal(1).length)), [wal(1), wal(9), wal(10)]);
});

test("Journal and SnapshotStore open beside unreadable files", async () => {
  const disk = await makeState();
  const { fs } = badDisk(
    disk,
    { part: snapshot(4), code: "EBADMSG" },
    { part: wal(1), code: "EIO" },
  );
  {
    await using journal = await Journal.open(DIRECTORY, journalName, { fs });
    const { snapshotsSkipped, lost } = journal.recovery;
    assertEquals([journal.sequence, snapshotsSkipped.length, lost], [6, 1, null]);
  }
  await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
  const restored = await store.restore();
  assertEquals([restored?.sequence, restored?.skipped.length], [2, 1]);
});

test("changes() returns every record before an unreadable place, then the system's error", async () => {
  const disk = await makeLong();
  const at = new TextDecoder().decode(disk.peek(`${DIRECTORY}/${wal(1)}`)!).indexOf("[4,");
  const bad: Bad = { part: wal(1), code: "EIO", range: [at, at + 512], times: 0 };
  await using manager = await open(badDisk(disk, bad).fs);
  bad.times = Infinity;
  const seen: number[] = [];
  const error = await assertRejects(async () => {
    for await (const { sequence } of manager.changes({ from: 1 })) seen.push(sequence);
  }, IoError);
  assertEquals([seen, error.systemCode, error.offset], [[1, 2, 3], "EIO", at]);
});

test("backup() refuses to leave out what only an unreadable snapshot or segment holds", async () => {
  const disk = await makeState();
  disk.unplant(`${DIRECTORY}/${wal(1)}`);
  disk.unplant(`${DIRECTORY}/${snapshot(2)}`);
  const bad: Bad = { part: snapshot(4), code: "EIO", times: 0 };
  await using manager = await open(badDisk(disk, bad).fs);
  bad.times = Infinity;
  const error = await assertRejects(() => manager.backup("/data/backup"), CorruptionError);
  assertEquals(error.lost.sequenceFirst, 1);
  Object.assign(bad, { part: wal(5), range: [0, 100] });
  await assertRejects(() => manager.backup("/data/other"), IoError, "EIO");
});
