// Tests `onTooNew`: a program that was rolled back continues after what its own version wrote.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import {
  CorruptionError,
  StateManager,
  type StateManagerOptions,
  TooNewError,
} from "@ministate/ministate";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { failureOf } from "../support/errors.ts";
import { EXTREMES } from "../../testing/disk/power_cut.ts";
import { Random } from "../../testing/disk/random.ts";
import { cutEverywhere } from "../support/every_cut.ts";

/** Notes what each version added. */
const notes = (version: number) => ({
  initial: (): string[] => [],
  apply: (state: string[], note: string) => state.push(`${note} by ${version}`),
  version,
  migrate: {},
});

const open = (fs: PowerCutDisk, version: number, options: StateManagerOptions = {}) =>
  StateManager.open("/state", "n.wal.jsonl", notes(version), {
    fs,
    compaction: "manual",
    ...options,
  });

const rollBack = (fs: PowerCutDisk, options: StateManagerOptions = {}) =>
  open(fs, 1, { ...options, onTooNew: "setAside" });

/** Version 1 wrote two mutations, the second after a snapshot; version 2 wrote three more. */
async function updated(disk = new PowerCutDisk()): Promise<PowerCutDisk> {
  const before = await open(disk, 1);
  await before.apply("a");
  await before.createSnapshot();
  await before.apply("b");
  await before.close();
  const after = await open(disk, 2);
  for (const note of ["c", "d", "e"]) await after.apply(note);
  await after.close();
  return disk;
}

test("a rolled-back program continues after what its own version wrote, and reports the rest", async () => {
  const disk = await updated();
  const error = await failureOf(() => open(disk, 1));
  assertInstanceOf(error, TooNewError);
  const manager = await rollBack(disk);
  assertEquals([manager.snapshot(), manager.sequence], [["a by 1", "b by 1"], 2]);
  const { lost, snapshotsSkipped, migratedFrom } = manager.recovery;
  assertEquals([lost!.sequenceFirst, lost!.sequenceLast, migratedFrom], [3, 5, null]);
  assert(lost!.reason.includes("version 2 of the mutator wrote it"), lost!.reason);
  assertEquals(lost!.quarantined, ["/state/quarantine/n-0000000000000003.wal.jsonl"]);
  assertEquals(snapshotsSkipped.map(({ path }) => path), [
    "/state/quarantine/n-0000000000000002.snapshot.jsonl",
  ]);
  assertEquals((await manager.apply("c")).sequence, 3);
  await manager.close();
  // Nothing newer is left.
  const again = await open(disk, 1);
  assertEquals([again.snapshot(), again.recovery.lost], [["a by 1", "b by 1", "c by 1"], null]);
  await again.close();
  const forth = await open(disk, 2);
  assertEquals([forth.snapshot().length, forth.recovery.lost], [3, null]);
});

test("a rolled-back reader sees what its version wrote, and changes nothing", async () => {
  const disk = await updated();
  const before = await disk.list("/state");
  const reader = await rollBack(disk, { readOnly: true });
  assertEquals([reader.snapshot(), reader.recovery.lost!.sequenceLast], [["a by 1", "b by 1"], 5]);
  assertEquals([reader.recovery.lost!.quarantined, reader.recovery.created], [[], false]);
  await reader.close();
  assertEquals(await disk.list("/state"), before);
});

test("a roll-back calls files missing, not too new, when they are missing for the newer version too", async () => {
  const disk = await updated();
  for (const path of disk.paths("/state")) {
    if (path.includes(".snapshot.") || path.includes("0002.wal.")) disk.unplant(path);
  }
  assertInstanceOf(await failureOf(() => rollBack(disk)), CorruptionError);
  const manager = await rollBack(disk, { onCorruption: "quarantine" });
  assertEquals([manager.snapshot(), manager.recovery.lost?.sequenceFirst], [["a by 1"], 2]);
  await manager.close();
});

test("after a power cut at any call of a roll-back, the next one ends it, and the newer files are kept", async () => {
  const whole = await updated();
  const texts = (await newer(whole)).sort();
  const run = async (disk: PowerCutDisk) => {
    await (await rollBack(disk)).close();
  };
  let cut = 0;
  await cutEverywhere(() => null, run, async (disk, _progress, at) => {
    const manager = await rollBack(disk);
    assertEquals(manager.snapshot(), ["a by 1", "b by 1"], `cut at ${at}`);
    await manager.close();
    assertEquals((await newer(disk)).sort(), texts, `cut at ${at}`);
    cut++;
  }, () => whole.image());
  assert(cut > 10);
});

/** The lines that version 2 wrote, wherever they are now. */
async function newer(disk: PowerCutDisk): Promise<string[]> {
  const texts: string[] = [];
  for (const folder of ["/state", "/state/quarantine"]) {
    const names = await disk.list(folder).catch(() => []);
    for (const { name, kind } of names) {
      if (kind !== "file" || !name.startsWith("n-")) continue;
      const text = new TextDecoder().decode(disk.peek(`${folder}/${name}`)!);
      if (text.includes('"version":2')) texts.push(text.trimEnd());
    }
  }
  return [...new Set(texts)];
}

/** Version 1 wrote two mutations; version 2 wrote in three segments, and made snapshots of its own. */
async function updatedAndUsed(): Promise<PowerCutDisk> {
  const disk = await updated();
  const manager = await open(disk, 2, { snapshotsKept: 9 });
  await manager.createSnapshot();
  await manager.apply("f");
  await manager.createSnapshot();
  await manager.apply("g");
  await manager.close();
  return disk;
}

test("a roll-back of several segments and snapshots ends after a power cut at any call", async () => {
  const whole = await updatedAndUsed();
  const texts = (await newer(whole)).sort();
  assertEquals(texts.length, 6);
  const run = async (disk: PowerCutDisk) => {
    const manager = await rollBack(disk);
    const { sequenceFirst, sequenceLast } = manager.recovery.lost!;
    assertEquals([sequenceFirst, sequenceLast], [3, 7]);
    await manager.close();
  };
  await cutEverywhere(() => null, run, async (disk, _progress, at) => {
    const manager = await rollBack(disk);
    assertEquals(manager.snapshot(), ["a by 1", "b by 1"], `cut at ${at}`);
    assertEquals((await manager.apply("c")).sequence, 3);
    await manager.close();
    assertEquals((await newer(disk)).sort(), texts, `cut at ${at}`);
    const again = await open(disk, 1);
    assertEquals(again.snapshot(), ["a by 1", "b by 1", "c by 1"], `cut at ${at}`);
    await again.close();
  }, () => whole.image());
});

test("what one roll-back reports is not there again after a power cut", async () => {
  for (const whole of [await updated(), await updatedAndUsed()]) {
    await rollBack(whole);
    for (const [name, rules] of Object.entries(EXTREMES)) {
      const { recovery, sequence } = await open(whole.powerCut(rules, new Random(1)), 1);
      assertEquals([recovery.lost, sequence], [null, 2], name);
    }
  }
});

test("an older program doesn't start from a newer one's snapshot, whatever the newest segment is", async () => {
  const disk = await updated();
  const path = "/state/n-0000000000000002.snapshot.jsonl";
  const newerSnapshot = disk.peek(path)!;
  await (await rollBack(disk)).close();
  // As after a power cut in the midst.
  disk.plant(path, newerSnapshot);
  assertInstanceOf(await failureOf(() => open(disk.image(), 1)), TooNewError);
  const manager = await rollBack(disk);
  assertEquals(manager.snapshot(), ["a by 1", "b by 1"]);
});

test("a compaction keeps what a roll-back needs until the newer version has made two snapshots", async () => {
  const disk = await updated();
  const manager = await open(disk, 2);
  await manager.close();
  assertEquals((await rollBack(disk.image())).snapshot(), ["a by 1", "b by 1"]);
  const compacting = await open(disk, 2);
  await compacting.compact();
  await compacting.close();
  const error = await failureOf(() => rollBack(disk.image()));
  assertInstanceOf(error, TooNewError);
});

test("a roll-back after a compaction that was cut succeeds, or is refused as too old", async () => {
  const outcomes = new Set<string>();
  // The older version wrote in two segments.
  const whole = new PowerCutDisk();
  const before = await open(whole, 1);
  await before.apply("a");
  await before.createSnapshot();
  await before.apply("b");
  await before.createSnapshot();
  await before.apply("c");
  await before.close();
  const after = await open(whole, 2);
  await after.apply("d");
  await after.close();
  const run = async (disk: PowerCutDisk) => {
    const manager = await open(disk, 2);
    await manager.compact();
    await manager.close();
  };
  const options = [{}, { onCorruption: "quarantine" }] as const;
  await cutEverywhere(() => null, run, async (disk, _progress, at) => {
    for (const more of options) {
      const image = disk.image();
      try {
        const manager = await rollBack(image, more);
        assertEquals(manager.snapshot(), ["a by 1", "b by 1", "c by 1"], `cut at ${at}`);
        outcomes.add("opened");
        await manager.close();
      } catch (error) {
        assertInstanceOf(error, TooNewError, `cut at ${at}: ${(error as Error).message}`);
        outcomes.add("refused");
      }
    }
  }, () => whole.image());
  assertEquals([...outcomes].sort(), ["opened", "refused"]);
});

test("a roll-back still refuses damage in what it continues", async () => {
  const disk = await updated();
  const path = "/state/n-0000000000000002.wal.jsonl";
  const text = new TextDecoder("latin1").decode(disk.peek(path)!);
  disk.flipBit(path, text.indexOf('"b"') + 1, 0);
  const error = await failureOf(() => rollBack(disk));
  assertEquals((error as { code?: string }).code, "CORRUPT");
});

test("a roll-back takes a gap that nothing newer explains for damage", async () => {
  const disk = await updated();
  await (await rollBack(disk)).close();
  disk.unplant("/state/n-0000000000000001.snapshot.jsonl");
  disk.unplant("/state/n-0000000000000001.wal.jsonl");
  const error = await failureOf(() => rollBack(disk));
  assertEquals((error as { code?: string }).code, "CORRUPT");
});
