// Tests files that a copy of the directory got to this one after both were written to: they have the same identity.

import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { CorruptionError, StateManager, type StateManagerOptions } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { inspectState } from "../../src/recovery/inspect.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { assertFails, type Failure } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { journalName, ledger } from "../support/samples.ts";

const path = (kind: "wal" | "snapshot", sequence: number) =>
  `${DIRECTORY}/${fileName(kind, sequence)}`;

const otherHistory: Failure = {
  error: CorruptionError,
  code: "CORRUPT",
  says: /of another history.*copy of this directory/,
};

function open(fs: PowerCutDisk, options: StateManagerOptions = {}) {
  return StateManager.open(DIRECTORY, journalName, ledger, {
    fs,
    clock: () => 0,
    compaction: "manual",
    ...options,
  });
}

/** Continues a directory with the mutations 3 to 8 of an owner, and snapshots of 4 and 6. */
async function continued(start: PowerCutDisk, owner: string, snapshots = [4, 6]) {
  const fs = start.crash();
  await using manager = await open(fs);
  for (let i = 3; i <= 8; i++) {
    await manager.apply(`${owner} ${i}`);
    if (snapshots.includes(i)) await manager.createSnapshot();
  }
  await manager.close();
  return fs.crash();
}

const common = freshDisk();
{
  await using manager = await open(common);
  await manager.applyAll(["both 1", "both 2"]);
}

/** Segments from 1, 5 and 7, and snapshots of 4 and 6; the first two mutations are in both. */
const [OURS, THEIRS] = [await continued(common, "ours"), await continued(common, "theirs")];

/** Theirs with one segment from 5 to 8. */
const LONGER = await continued(common, "theirs", [4]);

/** Ours with one segment for everything. */
const WHOLE = await continued(common, "ours", []);

/** What is kept of our history up to a sequence. */
const entries = (last: number, owner = "ours") =>
  Array.from({ length: last }, (_, i) => `${i < 2 ? "both" : owner} ${i + 1}`);

/** Our directory with some files of theirs and without others. */
function mixed({ theirs = [], gone = [] }: { theirs?: string[]; gone?: string[] }): PowerCutDisk {
  const disk = OURS.crash();
  for (const file of theirs) disk.plant(file, THEIRS.peek(file)!);
  for (const file of gone) disk.unplant(file);
  return disk;
}

const noSnapshots = [path("snapshot", 4), path("snapshot", 6)];

interface Row {
  title: string;
  disk: () => PowerCutDisk;
  /** The file that is refused. */
  refused: string;
  /** The last sequence that is kept. */
  kept: number;
  /** The last sequence that is known to be lost. */
  lost: number;
}

const rows: Row[] = [
  {
    title: "the newest segment is theirs",
    disk: () => mixed({ theirs: [path("wal", 7)], gone: noSnapshots }),
    refused: path("wal", 7),
    kept: 6,
    lost: 8,
  },
  {
    title: "a segment between others is theirs",
    disk: () => mixed({ theirs: [path("wal", 5)], gone: noSnapshots }),
    refused: path("wal", 5),
    kept: 4,
    lost: 8,
  },
  {
    title: "the segment after the newest snapshot is theirs",
    disk: () => mixed({ theirs: [path("wal", 7)] }),
    refused: path("wal", 7),
    kept: 6,
    lost: 8,
  },
  {
    title: "the segment after the only snapshot is theirs",
    disk: () =>
      mixed({
        theirs: [path("wal", 7)],
        gone: [path("snapshot", 4), path("wal", 1), path("wal", 5)],
      }),
    refused: path("wal", 7),
    kept: 6,
    lost: 8,
  },
  {
    title: "the segment that holds the newest snapshot's sequence is theirs",
    disk: () => {
      const disk = mixed({ gone: [path("wal", 5), path("wal", 7), path("snapshot", 4)] });
      disk.plant(path("wal", 5), LONGER.peek(path("wal", 5))!);
      return disk;
    },
    refused: path("wal", 5),
    kept: 6,
    lost: 8,
  },
];

for (const { title, disk, refused, kept, lost } of rows) {
  test(`open() refuses a file of another history when ${title}`, async () => {
    const refusedAs = async (options: StateManagerOptions) => {
      const error = await assertFails(() => open(disk(), options), otherHistory);
      assertInstanceOf(error, CorruptionError);
      assertEquals([error.path, error.sequence], [refused, kept + 1]);
      assertEquals(error.lost, { sequenceFirst: kept + 1, sequenceLast: lost });
    };
    await refusedAs({});
    await refusedAs({ readOnly: true });
    await assertFails(
      () => Journal.open(DIRECTORY, journalName, { fs: disk() }),
      otherHistory,
    );
    const found = await inspectState(disk(), DIRECTORY, journalName);
    assertEquals(found.verdict, "corrupt");
    assertEquals(found.nextOpen.lost, { sequenceFirst: kept + 1, sequenceLast: lost });
    const finding = found.findings.find(({ needed }) => needed);
    assertEquals(finding?.path, refused);
    assertStringIncludes(finding!.reason, "another history");
  });

  test(`open() sets a file of another history aside when ${title}`, async () => {
    const fs = disk();
    const before = fs.peek(refused)!;
    {
      await using reader = await open(fs, { readOnly: true, onCorruption: "quarantine" });
      assertEquals(reader.state.entries, entries(kept));
    }
    {
      await using manager = await open(fs, { onCorruption: "quarantine" });
      assertEquals(manager.state.entries, entries(kept));
      const { lost: report } = manager.recovery;
      assertEquals([report?.sequenceFirst, report?.sequenceLast], [kept + 1, lost]);
      assert(report!.quarantined.some((file) => `${fs.peek(file)}` === `${before}`));
      await manager.apply("continued");
    }
    // What comes after the loss continues the last batch that is kept.
    await using manager = await open(fs);
    assertEquals(manager.state.entries, [...entries(kept), "continued"]);
    assertEquals(manager.recovery.lost, null);
    await manager.createSnapshot();
    await manager.close();
    assertEquals((await inspectState(fs, DIRECTORY, journalName)).verdict, "sound");
  });
}

for (
  const { title, disk, stray, before } of [
    {
      title: "the newest one is theirs",
      disk: () => mixed({ theirs: [path("snapshot", 6)] }),
      stray: [6],
      before: 4,
    },
    {
      title: "all of them are theirs",
      disk: () => mixed({ theirs: noSnapshots }),
      stray: [6, 4],
      before: null,
    },
    {
      title: "the only one is theirs, and stands within a segment",
      disk: () => {
        const disk = WHOLE.crash();
        disk.plant(path("snapshot", 6), THEIRS.peek(path("snapshot", 6))!);
        return disk;
      },
      stray: [6],
      before: null,
    },
  ]
) {
  test(`open() doesn't use snapshots of another history when ${title}`, async () => {
    for (const readOnly of [true, false]) {
      const fs = disk();
      const found = await inspectState(fs, DIRECTORY, journalName);
      assertEquals(found.nextOpen.snapshot?.sequence ?? null, before);
      assertEquals(found.nextOpen.outcome, "open");
      await using manager = await open(fs, { readOnly });
      assertEquals(manager.state.entries, entries(8));
      const { snapshot, snapshotsSkipped, lost } = manager.recovery;
      assertEquals([snapshot?.sequence ?? null, lost], [before, null]);
      assertEquals(snapshotsSkipped.map(({ sequence }) => sequence), stray);
      assertStringIncludes(snapshotsSkipped[0]!.reason, "another history");
      assertEquals(manager.recovery.snapshotsSkipped.length, stray.length);
    }
    const fs = disk();
    await (await open(fs)).close();
    assertEquals((await inspectState(fs, DIRECTORY, journalName)).findings, []);
  });
}

test("open() refuses the journal when the only snapshot is of another history and nothing comes before it", async () => {
  const fs = mixed({
    theirs: [path("snapshot", 6)],
    gone: [path("snapshot", 4), path("wal", 1), path("wal", 5)],
  });
  const error = await assertFails(() => open(fs), otherHistory);
  assertEquals([error.path, error.sequence], [path("wal", 7), 7]);
});

test("open() needs no segment of another history when a newer snapshot and its segment are ours", async () => {
  for (const file of [path("wal", 1), path("wal", 5), path("snapshot", 4)]) {
    const fs = mixed({ theirs: [file] });
    await using manager = await open(fs, { readOnly: true });
    assertEquals(manager.state.entries, entries(8));
    const { findings, verdict } = await inspectState(fs, DIRECTORY, journalName);
    assertEquals(verdict, "corrupt", file);
    assertEquals(findings.map(({ needed }) => needed), findings.map(() => false));
    assert(findings.some(({ path, reason }) => path === file && /another history/.test(reason)));
  }
});

test("open() accepts a snapshot that names no batch, as one of a SnapshotStore", async () => {
  const fs = mixed({ gone: noSnapshots });
  {
    await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
    await store.create(6, { entries: entries(6) });
  }
  for (const file of [path("wal", 7), path("wal", 5), path("wal", 1)]) {
    await using manager = await open(fs.crash(), { onCorruption: "fail" });
    assertEquals(manager.state.entries, entries(8));
    fs.unplant(file);
    if (file === path("wal", 7)) fs.plant(file, OURS.peek(file)!);
  }
});

test("open() begins a segment after an unknown batch when only a SnapshotStore's snapshot is left", async () => {
  const fs = mixed({ gone: [...noSnapshots, path("wal", 1), path("wal", 5), path("wal", 7)] });
  {
    await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
    await store.create(6, { entries: entries(6) });
  }
  {
    await using manager = await open(fs, { onCorruption: "quarantine" });
    await manager.createSnapshot();
    await manager.apply("ours 7");
  }
  await using manager = await open(fs);
  assertEquals(manager.state.entries, entries(7));
});

test("replay() and stateAt() refuse a segment of another history that was put there while open", async () => {
  const fs = OURS.crash();
  await using manager = await open(fs);
  fs.plant(path("wal", 5), THEIRS.peek(path("wal", 5))!);
  const failure = { ...otherHistory, says: /from sequence 5 on: it is of another history/ };
  const error = await assertFails(() => manager.stateAt(5), failure);
  assertEquals([error.path, error.sequence], [path("wal", 5), 5]);
  await assertFails(async () => {
    for await (const { sequence } of manager.changes({ from: 1, follow: false })) {
      assert(sequence < 5);
    }
  }, failure);
  await assertFails(async () => {
    for await (const { sequence } of manager.changes({ from: 1 })) assert(sequence < 5);
  }, failure);
  fs.plant(path("wal", 5), OURS.peek(path("wal", 5))!);
  assertEquals((await manager.stateAt(5)).entries, entries(5));
});

test("replay() of a journal refuses a segment of another history", async () => {
  const fs = mixed({ gone: noSnapshots });
  await using journal = await Journal.open(DIRECTORY, journalName, { fs });
  fs.plant(path("wal", 5), THEIRS.peek(path("wal", 5))!);
  await assertFails(async () => {
    for await (const { sequence } of journal.replay()) assert(sequence < 5);
  }, otherHistory);
});

test("stateAt() refuses a snapshot of another history that stands within a segment", async () => {
  const fs = WHOLE.crash();
  await using manager = await open(fs);
  fs.plant(path("snapshot", 6), THEIRS.peek(path("snapshot", 6))!);
  await assertFails(() => manager.stateAt(7), otherHistory);
});

test("compact() doesn't count a snapshot of another history among those that are kept", async () => {
  const fs = mixed({ gone: [path("snapshot", 4)] });
  await using manager = await open(fs);
  fs.plant(path("snapshot", 6), THEIRS.peek(path("snapshot", 6))!);
  assertEquals((await manager.compact()).deleted, []);
  await manager.apply("ours 9");
  assertEquals((await manager.compact()).deleted.includes(path("snapshot", 6)), true);
});

test("backup() refuses a needed segment of another history, and leaves out what is not needed", async () => {
  const target = "/data/backup";
  const backUp = async (fs: PowerCutDisk) => {
    await using reader = await open(fs, { readOnly: true, onCorruption: "quarantine" });
    return await reader.backup(target);
  };
  // Put there after it was opened, or the open would refuse it.
  const fs = OURS.crash();
  await using manager = await open(fs);
  fs.plant(path("wal", 7), THEIRS.peek(path("wal", 7))!);
  await assertFails(() => manager.backup(target), otherHistory);
  for (const file of [path("wal", 1), path("snapshot", 4), path("snapshot", 6)]) {
    const fs = mixed({ theirs: [file] });
    await backUp(fs);
    const copy = await StateManager.open(target, journalName, ledger, { fs });
    assertEquals(copy.state.entries, entries(8), file);
    await copy.close();
    const { findings } = await inspectState(fs, target, journalName);
    assertEquals(findings, [], file);
  }
});
