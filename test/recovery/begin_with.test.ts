// Tests that a journal begun with a given state takes the place of the one before in one step, wherever the power goes.

import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  CorruptionError,
  DiskFullError,
  type DurableFs,
  ForeignFormatError,
  IoError,
  PoisonedError,
  StateManager,
  TooNewError,
} from "@ministate/ministate";
import type { PowerCutDisk } from "../../testing.ts";
import { beginWith, isUntouched } from "../../src/recovery/begin_with.ts";
import { encodeState } from "../../src/format/snapshot_encode.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { StateDirectory } from "../../src/journal/state_directory.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { cutEverywhere } from "../support/every_cut.ts";
import { systemError } from "../support/wrapped_fs.ts";

const DIRECTORY = "/data/state";
const NAME = "list.wal.jsonl";
const OWNER = { name: "list", version: 1 };
const list = {
  ...OWNER,
  initial: () => ["initial"],
  apply: (items: string[], item: string) => items.push(item),
};

/** Large enough for several pieces and several lines. */
const NEW = Array.from({ length: 3000 }, (_, i) => `new ${i} ${"é".repeat(40)}`);

/** For tests that cut the power at every call. */
const SHORT = ["new 1", "new 2 é"];

const open = (fs: DurableFs) =>
  StateManager.open(DIRECTORY, NAME, list, { fs, compaction: "manual" });

/** The state before: snapshots of sequence 0 and 1, and a journal. */
async function withOld(): Promise<PowerCutDisk> {
  const disk = freshDisk();
  await using manager = await open(disk);
  for (const item of ["a", "b"]) {
    await manager.createSnapshot();
    await manager.apply(item);
  }
  return disk;
}

const OLD = ["initial", "a", "b"];

async function begin(fs: DurableFs, items = NEW, onPiece = () => Promise.resolve()) {
  const directory = await StateDirectory.openForWriting(fs, DIRECTORY, NAME);
  try {
    return await beginWith(directory, OWNER, { lines: () => encodeState(items), onPiece });
  } finally {
    await directory.close();
  }
}

async function untouched(fs: DurableFs): Promise<boolean> {
  const directory = await StateDirectory.openForReading(fs, DIRECTORY, NAME);
  return await isUntouched(directory, await directory.list());
}

/** What the next open finds: the state, in a directory that needs no repair and continues from there. */
async function found(disk: PowerCutDisk): Promise<readonly string[]> {
  const opened = await open(disk);
  const state = opened.snapshot();
  const { lost, snapshotsSkipped, superseded } = opened.recovery;
  assertEquals([lost, snapshotsSkipped, superseded], [null, [], []]);
  await opened.apply("later");
  await opened.createSnapshot();
  await opened.close();
  await using again = await open(disk);
  assertEquals(again.snapshot(), [...state, "later"]);
  assertEquals(await again.stateAt(again.sequence - 1), state);
  assertEquals((await again.verify()).difference, null);
  const { verdict, findings } = await inspectState(disk, DIRECTORY, NAME);
  assertEquals([verdict, findings], ["sound", []]);
  return state;
}

test("a power cut while a state is replaced leaves the one before or the new one, whole", async () => {
  const base = await withOld();
  const seen = { old: 0, fresh: 0 };
  await cutEverywhere(
    () => ({ done: false }),
    async (disk, progress) => {
      await begin(disk, SHORT);
      progress.done = true;
    },
    async (disk, { done }, at) => {
      const { findings } = await inspectState(disk, DIRECTORY, NAME);
      // What counts no longer is moved away after that.
      assert(findings.every(({ needed }) => !needed), `cut at ${at}`);
      const state = await found(disk);
      const isNew = state[0] === SHORT[0];
      assertEquals(state, isNew ? SHORT : OLD, `cut at ${at}`);
      assert(isNew || !done, `the new state is lost after it was there, at ${at}`);
      seen[isNew ? "fresh" : "old"]++;
    },
    () => base.image(),
  );
  assert(seen.old > 20 && seen.fresh > 20, JSON.stringify(seen));
});

test("a power cut while the first state is written leaves none or the whole one", async () => {
  const seen = { none: 0, whole: 0 };
  await cutEverywhere(
    () => ({ done: false }),
    async (disk, progress) => {
      await begin(disk, SHORT);
      progress.done = true;
    },
    async (disk, { done }, at) => {
      const isNone = disk.paths(DIRECTORY).length === 0 || await untouched(disk);
      const state = await found(disk);
      assertEquals(state, isNone ? ["initial"] : SHORT, `cut at ${at}`);
      assert(!isNone || !done, `the state is lost after it was there, at ${at}`);
      seen[isNone ? "none" : "whole"]++;
    },
    freshDisk,
  );
  assert(seen.none > 10 && seen.whole > 0, JSON.stringify(seen));
});

test("a state can be replaced over and over, and a compaction keeps the last one", async () => {
  const disk = await withOld();
  for (const item of ["x", "y", "z"]) {
    const { setAside, stays } = await begin(disk, [item]);
    assert(setAside.length > 0);
    assertEquals(stays, []);
    await using manager = await open(disk);
    // The snapshot of sequence 0 is one that no segment supersedes.
    await manager.createSnapshot();
  }
  await using manager = await open(disk);
  for (let i = 0; i < 3; i++) {
    await manager.apply(`${i}`);
    await manager.compact();
  }
  await manager.close();
  assertEquals(await found(disk), ["z", "0", "1", "2"]);
});

test("what only fsck can move stays, is named, and doesn't count", async () => {
  for (const part of ["0000.snapshot.jsonl", "0001.wal.jsonl"]) {
    const disk = await withOld();
    const { fs: inner } = badDisk(disk);
    const unless = <T>(path: string, call: () => Promise<T>) =>
      path.endsWith(part) ? Promise.reject(systemError("EBADMSG")) : call();
    const fs: DurableFs = {
      ...inner,
      rename: (from, to) => unless(from, () => inner.rename(from, to)),
      remove: (path) => unless(path, () => inner.remove(path)),
    };
    const { stays } = await begin(fs);
    assertEquals([stays.length, stays[0]!.endsWith(part)], [1, true]);
    await using manager = await StateManager.open(DIRECTORY, NAME, list, { fs });
    assertEquals([manager.snapshot(), manager.recovery.superseded], [NEW, stays]);
    await manager.apply("later");
    await manager.createSnapshot();
    assertEquals((await manager.verify()).difference, null);
  }
});

test("whoever follows the state before learns that it is gone", async () => {
  const disk = await withOld();
  await using reader = await StateManager.open(DIRECTORY, NAME, list, { fs: disk, readOnly: true });
  await begin(disk);
  await assertRejects(
    async () => {
      for await (const _ of reader.changes({ from: 1 }));
    },
    Error,
    "none of its files is of the journal that was there",
  );
});

test("a full disk, at whichever call, changes nothing", async () => {
  const base = await withOld();
  for (let at = 1;; at++) {
    const disk = base.image();
    disk.fault = { at, how: "ENOSPC", sticky: true };
    const error = await begin(disk).then(() => null, (error) => error);
    const { faults } = disk;
    disk.fault = null;
    const names = disk.paths(DIRECTORY);
    const state = await found(disk);
    if (error === null) {
      assertEquals(state, NEW, `full at ${at}`);
      if (faults === 0) return;
    } else if (error instanceof PoisonedError) {
      assert([NEW.length, OLD.length].includes(state.length), `full at ${at}`);
    } else {
      assert(error instanceof DiskFullError, `${error}`);
      assertEquals(state, OLD, `full at ${at}`);
      assertEquals(names.filter((name) => name.endsWith(".tmp")), []);
    }
  }
});

test("a card that garbles what is written replaces nothing", async () => {
  const base = await withOld();
  const rehearsal = base.image();
  await begin(rehearsal);
  let caught = 0;
  for (let at = 1; at <= rehearsal.calls; at++) {
    const image = base.image();
    image.fault = { at, how: "garbled" };
    const error = await begin(image).then(() => null, (error) => error);
    const { faults } = image;
    image.fault = null;
    assertEquals(await found(image), error === null ? NEW : OLD, `garbled at ${at}`);
    if (faults > 0 && error instanceof CorruptionError) caught++;
  }
  assert(caught > 0);
});

test("a failure after the rename says that either state may be there", async () => {
  const disk = await withOld();
  const rehearsal = disk.image();
  await begin(rehearsal);
  const index = rehearsal.log.findIndex((line) => /^rename .*\.wal\.jsonl/.test(line));
  assert(index >= 0);
  disk.fault = { at: disk.calls + index + 2, how: "EIO" };
  const error = await assertRejects(() => begin(disk), PoisonedError);
  assertStringIncludes(error.message, "no longer known");
  disk.fault = null;
  assertEquals(await found(disk), NEW);
});

test("an interruption before the rename changes nothing", async () => {
  const disk = await withOld();
  const names = disk.paths(DIRECTORY);
  for (const last of [1, 2, 3, 4]) {
    let pieces = 0;
    const stop = () => ++pieces === last ? Promise.reject(new Error("stop")) : Promise.resolve();
    const error = await assertRejects(() => begin(disk, NEW, stop), IoError);
    assertEquals((error.cause as Error).message, "stop");
    assertEquals(disk.paths(DIRECTORY), names);
  }
  assertEquals(await found(disk), OLD);
});

test("only the program's own state is replaced, and only one that a file names", async () => {
  const cases: [object, typeof IoError | typeof ForeignFormatError | typeof TooNewError][] = [
    [{ name: "other" }, ForeignFormatError],
    [{ version: 2 }, TooNewError],
  ];
  for (const [change, type] of cases) {
    const disk = freshDisk();
    await StateManager.open(DIRECTORY, NAME, { ...list, ...change }, { fs: disk })
      .then((manager) => manager.close());
    const names = disk.paths(DIRECTORY);
    await assertRejects(() => begin(disk), type);
    assertEquals(disk.paths(DIRECTORY), names);
  }
});

test("files that no longer say whose they are, or are of two journals, are not replaced", async () => {
  const damaged = freshDisk();
  await open(damaged).then((manager) => manager.close());
  const path = damaged.paths(DIRECTORY).find((path) => path.endsWith(".wal.jsonl"))!;
  damaged.plant(path, new TextEncoder().encode("rubbish\n"));
  const error = await assertRejects(() => begin(damaged), CorruptionError);
  assertStringIncludes(error.message, "ministate repair");
  assertEquals([error.path, error.lost], [DIRECTORY, { sequenceFirst: 1, sequenceLast: null }]);

  const [one, two] = [freshDisk(), freshDisk()];
  for (const disk of [one, two]) await open(disk).then((manager) => manager.close());
  one.plant(path.replace("0001.wal", "0000.snapshot"), await snapshotOf(two));
  const contested = await assertRejects(() => begin(one), ForeignFormatError, "two journals");
  assertEquals(contested.path, DIRECTORY);
});

async function snapshotOf(disk: PowerCutDisk): Promise<Uint8Array> {
  await using manager = await open(disk);
  return disk.peek((await manager.createSnapshot()).path)!;
}

test("when no edition is left, nothing is changed", async () => {
  const disk = await withOld();
  await begin(disk, ["x"]);
  const path = disk.paths(DIRECTORY).find((path) => path.endsWith(".2.wal.jsonl"))!;
  const text = new TextDecoder().decode(disk.peek(path)!);
  assertStringIncludes(text, '"edition":2');
  disk.plant(path.replace(".2.wal", ".9999.wal"), new TextEncoder().encode(text));
  const names = disk.paths(DIRECTORY);
  const error = await assertRejects(() => begin(disk), IoError);
  assertStringIncludes(error.message, "9999 times");
  assertEquals([error.path, error.operation], [DIRECTORY, "begin"]);
  assertEquals(disk.paths(DIRECTORY), names);
});
