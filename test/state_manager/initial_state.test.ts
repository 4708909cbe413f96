// Tests the initial state: it is stored when a directory is made, and a later release's initial() changes nothing.

import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  CorruptionError,
  type DurableFs,
  HistoryGoneError,
  StateManager,
  type StateManagerOptions,
  TooNewError,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { isPowerCut } from "../../testing/disk/disk_calls.ts";
import { crashImages } from "../../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { assertFails } from "../support/errors.ts";
import { badDisk } from "../support/bad_disk.ts";
import { checksumOf, controlLine, fileName, segmentHeader } from "../support/files.ts";
import { journalName } from "../support/samples.ts";

interface Lamps {
  on: string[];
  /** What the next release begins with. */
  color?: string;
  migrated?: number;
}

/** How often each was asked for a new state. */
const asked = { first: 0, next: 0 };

const apply = (state: Lamps, lamp: string) => state.on.push(lamp);

const first = {
  initial: (): Lamps => {
    asked.first++;
    return { on: [] };
  },
  apply,
};

const next = {
  initial: (): Lamps => {
    asked.next++;
    return { on: [], color: "white" };
  },
  apply,
};

const upgraded = {
  ...next,
  version: 2,
  migrate: { state: (state: unknown, from: number) => ({ ...state as Lamps, migrated: from }) },
};

const wal1 = `${DIRECTORY}/${fileName("wal", 1)}`;

function open(fs: DurableFs, mutator: typeof first, options: StateManagerOptions = {}) {
  return StateManager.open(DIRECTORY, journalName, mutator, {
    fs,
    compaction: "manual",
    ...options,
  });
}

/** What the first release does; two snapshots, so that the second deletes the first segment. */
async function work(fs: PowerCutDisk, withSnapshots: boolean): Promise<void> {
  const manager = await open(fs, first);
  await manager.apply("hall");
  for (const lamp of ["kitchen", "cellar"]) {
    if (withSnapshots) await manager.compact();
    await manager.apply(lamp);
  }
  await manager.close();
}

for (const withSnapshots of [true, false]) {
  const how = withSnapshots ? "with snapshots" : "without a snapshot";

  test(`open() gives the same state when the next release begins with another, ${how}`, async () => {
    const fs = freshDisk();
    await work(fs, withSnapshots);
    asked.next = 0;
    for (const readOnly of [true, false]) {
      await using manager = await open(fs, next, { readOnly });
      assertEquals(manager.snapshot(), { on: ["hall", "kitchen", "cellar"] });
      assertEquals(await manager.stateAt(1), { on: ["hall"] });
      if (!withSnapshots) assertEquals(await manager.stateAt(0), { on: [] });
    }
    assertEquals(asked.next, 0);
  });

  test(`open() gives the same state after a power cut at any call, ${how}`, async () => {
    let cuts = 0;
    for (let at = 1;; at++) {
      const fs = freshDisk();
      fs.cutAt = at;
      try {
        await work(fs, withSnapshots);
      } catch (error) {
        if (!isPowerCut(error)) throw error;
      }
      if (!fs.dead) break;
      for (const image of crashImages(fs, { imagesMax: 16, seed: at })) {
        const isMade = image.paths(DIRECTORY).some((path) =>
          path.endsWith(".wal.jsonl") && image.peek(path)!.length > 0
        );
        const older = await open(image.image(), first);
        await using manager = await open(image, next);
        const { on } = older.snapshot();
        assertEquals(manager.snapshot(), isMade ? { on } : { on, color: "white" }, `call ${at}`);
        assertEquals(manager.recovery.lost, null);
        await older.close();
        cuts++;
      }
    }
    assert(cuts > 20, `${cuts} power cuts`);
  });
}

test("open() asks for an initial state once, when the directory is made", async () => {
  const fs = freshDisk();
  asked.first = 0;
  for (let i = 0; i < 3; i++) await (await open(fs, first)).close();
  assertEquals(asked.first, 1);
});

test("migrate.state carries the stored initial state over", async () => {
  for (const lamps of [["hall"], []]) {
    const fs = freshDisk();
    {
      await using manager = await open(fs, first);
      for (const lamp of lamps) await manager.apply(lamp);
    }
    asked.next = 0;
    for (let i = 0; i < 2; i++) {
      await using manager = await open(fs, upgraded);
      assertEquals(manager.snapshot(), { on: lamps, migrated: 1 });
      assertEquals(await manager.stateAt(0), { on: [], migrated: 1 });
    }
    assertEquals(asked.next, 0);
    await assertFails(() => open(fs, first), {
      error: TooNewError,
      code: "TOO_NEW",
      says: /version 2/,
    });
  }
});

test("open() refuses a damaged initial state, wherever the damage is", async () => {
  const fs = freshDisk();
  await work(fs, false);
  const whole = fs.peek(wal1)!;
  const text = new TextDecoder().decode(whole);
  const [start, end] = [text.indexOf("\n") + 1, text.indexOf("[1,")];
  assert(text.slice(start, end).startsWith('[[],{"on":[]}]\n{"initial":1,"crc":"'));
  for (let at = start; at < end; at++) {
    const bytes = whole.slice();
    bytes[at]! ^= 1;
    const disk = fs.crash();
    disk.plant(wal1, bytes);
    const error = await assertFails(() => open(disk.image(), first), {
      error: CorruptionError,
      code: "CORRUPT",
      says: /initial state in it is damaged.*1 to 3/,
    });
    assertEquals(error.path, wal1);
    assert(error.offset! >= start && error.offset! <= end, `${error.offset}`);
    if (at % 8 > 0) continue;
    const { findings, nextOpen } = await inspectState(disk, DIRECTORY, journalName);
    assertEquals([findings.length, nextOpen.outcome, nextOpen.sequence], [1, "refuse", 0]);
    await using manager = await open(disk, next, { onCorruption: "quarantine" });
    assertEquals(manager.snapshot(), { on: [], color: "white" });
    assertEquals(manager.recovery.lost?.sequenceLast, 3);
    assertEquals(disk.peek(manager.recovery.lost!.quarantined[0]!), bytes);
    await manager.apply("attic");
    await manager.close();
    await using again = await open(disk, first);
    assertEquals(again.snapshot(), { on: ["attic"], color: "white" });
  }
});

test("open() needs no initial state when a snapshot replaces it", async () => {
  const fs = freshDisk();
  {
    await using manager = await open(fs, first);
    await manager.apply("hall");
    await manager.createSnapshot();
  }
  fs.flipBit(wal1, new TextDecoder().decode(fs.peek(wal1)!).indexOf("[[]") + 1, 0);
  await using manager = await open(fs, first);
  assertEquals(manager.snapshot(), { on: ["hall"] });
  const { findings } = await inspectState(fs, DIRECTORY, journalName);
  assertEquals(findings.map(({ path, needed }) => [path, needed]), [[wal1, false]]);
  assert(/initial state/.test(findings[0]!.reason), findings[0]!.reason);
  await assertFails(() => manager.stateAt(0), {
    error: CorruptionError,
    code: "CORRUPT",
    says: /in the initial state/,
  });
  await manager.backup("/data/backup");
  const copy = await StateManager.open("/data/backup", journalName, first, { fs });
  assertEquals(copy.snapshot(), { on: ["hall"] });
  await copy.close();
});

test("open() refuses what is left where lines of the initial state are missing, also beside a snapshot", async () => {
  for (const count of [1, 5]) {
    const fs = freshDisk();
    const manager = await open(fs, first);
    await manager.createSnapshot();
    for (let i = 0; i < count; i++) await manager.apply("hall");
    await manager.close();
    const text = new TextDecoder().decode(fs.peek(wal1)!);
    const [start, end] = [text.indexOf("\n") + 1, text.indexOf('{"initial":1,')];
    for (const to of [end, text.indexOf("\n", end) + 1]) {
      const disk = fs.crash();
      disk.plant(wal1, new TextEncoder().encode(text.slice(0, start) + text.slice(to)));
      await assertFails(() => open(disk.image(), first), {
        error: CorruptionError,
        code: "CORRUPT",
        says: /damaged.*can.t be proven: 1/,
      });
      const { nextOpen } = await inspectState(disk, DIRECTORY, journalName);
      assertEquals(nextOpen.outcome, "refuse");
      const options = { onCorruption: "quarantine" } as const;
      await using again = await open(disk, first, options);
      assertEquals(again.snapshot(), { on: [] });
      assertEquals(again.recovery.lost?.sequenceLast, count);
      await again.apply("attic");
      await again.close();
      await using continued = await open(disk, first);
      assertEquals(continued.snapshot(), { on: ["attic"] });
    }
  }
});

test("open() restores a large initial state, which is stored in several lines", async () => {
  const fs = freshDisk();
  const large = () => ({ on: Array.from({ length: 30_000 }, (_, i) => `lamp ${i}`) });
  {
    await using manager = await open(fs, { ...first, initial: large });
    await manager.apply("hall");
    await manager.backup("/data/backup");
  }
  for (const directory of [DIRECTORY, "/data/backup"]) {
    await using manager = await StateManager.open(directory, journalName, next, { fs });
    assertEquals(manager.snapshot(), { on: [...large().on, "hall"] });
    assertEquals(await manager.stateAt(0), large());
    const changes = [];
    for await (const { mutation } of manager.changes({ from: 1, follow: false })) {
      changes.push(mutation);
    }
    assertEquals(changes, ["hall"]);
    assertEquals((await inspectState(fs, directory, journalName)).findings, []);
  }
});

test("open() refuses an initial state that the file is too short for", async () => {
  const fs = freshDisk();
  await (await open(fs, first)).close();
  const whole = fs.peek(wal1)!;
  const start = whole.indexOf(10) + 1;
  for (const size of [start, start + 1, start + 20, whole.lastIndexOf(10, whole.length - 2)]) {
    const disk = fs.crash();
    disk.plant(wal1, whole.slice(0, size));
    await assertFails(() => open(disk, first), {
      error: CorruptionError,
      code: "CORRUPT",
      says: /initial state in it is damaged/,
    });
  }
});

test("open() refuses an initial state without any line, as only a hand could write it", async () => {
  const fs = freshDisk();
  await (await open(fs, first)).close();
  const end = (seed: number) => controlLine({ initial: 0 }, seed);
  const beginning = controlLine({ ...segmentHeader, initial: end(0).length });
  fs.plant(wal1, new TextEncoder().encode(beginning + end(checksumOf(beginning))));
  const error = await assertFails(() => open(fs, first), {
    error: CorruptionError,
    code: "CORRUPT",
    says: /initial state in it is damaged/,
  });
  assertEquals(error.offset, beginning.length);
});

test("an initial state that the disk refuses to give matters only while no snapshot replaces it", async () => {
  const disk = freshDisk();
  await using manager = await open(disk, first);
  await manager.apply("hall");
  const start = disk.peek(wal1)!.indexOf(10) + 1;
  const bad = {
    part: fileName("wal", 1),
    code: "EIO",
    range: [start, start + 9] as [number, number],
  };
  const { fs } = badDisk(disk.image(), bad);
  const error = await assertFails(() => open(fs, first), {
    error: CorruptionError,
    code: "CORRUPT",
    says: /initial state in it is damaged.*EIO/,
  });
  assertEquals([error.path, error.offset], [wal1, 0]);
  await manager.createSnapshot();
  const { fs: later } = badDisk(disk.image(), bad);
  await using replaced = await open(later, first, { readOnly: true });
  assertEquals(replaced.snapshot(), { on: ["hall"] });
  const { findings } = await inspectState(later, DIRECTORY, journalName);
  assertEquals(findings.map(({ path, offset, needed }) => [path, offset, needed]), [
    [wal1, 0, false],
  ]);
});

test("a journal alone holds no initial state, and the program is asked for it", async () => {
  const fs = freshDisk();
  {
    await using journal = await Journal.open<string>(DIRECTORY, journalName, { fs });
    await journal.append("hall");
  }
  for (const readOnly of [true, false]) {
    await using manager = await open(fs, next, { readOnly });
    assertEquals(manager.snapshot(), { on: ["hall"], color: "white" });
    assertEquals(await manager.stateAt(0), { on: [], color: "white" });
  }
});

test("replay() of a journal leaves out the initial state that a manager stored", async () => {
  const fs = freshDisk();
  await work(fs, false);
  await using journal = await Journal.open<string>(DIRECTORY, journalName, { fs });
  const lamps = [];
  for await (const { mutation } of journal.replay()) lamps.push(mutation);
  assertEquals(lamps, ["hall", "kitchen", "cellar"]);
});

test("stateAt(0) says that the beginning is gone when compaction has deleted it", async () => {
  const fs = freshDisk();
  await work(fs, true);
  await using manager = await open(fs, first);
  await manager.compact();
  await assertFails(() => manager.stateAt(0), {
    error: HistoryGoneError,
    code: "HISTORY_GONE",
    says: /no longer holds its beginning/,
  });
});
