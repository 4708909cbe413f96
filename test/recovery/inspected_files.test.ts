// Tests every fact that an inspection gives about each file.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { inspectState } from "../../src/recovery/inspect.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { fileName } from "../support/files.ts";
import { counter, journalName } from "../support/samples.ts";

const DIRECTORY = "/data/state";
const pathOf = (name: string) => `${DIRECTORY}/${name}`;
const [first, second, third] = [1, 4, 6].map((sequence) => fileName("wal", sequence)) as [
  string,
  string,
  string,
];
const [older, newer] = [3, 5].map((sequence) => fileName("snapshot", sequence)) as [string, string];

/** Segments from 1, 4 and 6; of their mutations, 2, 3, 5 and 7 are refused. */
async function makeState(): Promise<PowerCutDisk> {
  const disk = freshDisk();
  const named = { ...counter, name: "counter", version: 3, migrate: {} };
  const manager = await StateManager.open(DIRECTORY, journalName, named, {
    fs: disk,
    compaction: "manual",
    clock: () => 7,
  });
  for (const by of [1, -9, -9, 2, -9, 3, -9]) {
    await manager.apply({ by }).catch(() => {});
    if ([3, 5].includes(manager.sequence)) await manager.createSnapshot();
  }
  await manager.close();
  return disk;
}

const sizeOf = (disk: PowerCutDisk, name: string) => disk.peek(pathOf(name))!.length;

test("inspectState() says of each file what it holds", async () => {
  const disk = await makeState();
  const { segments, snapshots, mutator, version, nextOpen } = await inspectState(
    disk,
    DIRECTORY,
    journalName,
  );
  const segment = (name: string, sequenceFirst: number, sequenceLast: number, refused: number) => {
    const size = sizeOf(disk, name);
    const owner = { mutator: "counter", version: 3 };
    const sealed = name === third;
    const range = { sequenceFirst, sequenceLast };
    return { name, size, soundSize: size, ...range, sealed, ...owner, damagedAt: null, refused };
  };
  assertEquals(segments, [
    segment(first, 1, 3, 2),
    segment(second, 4, 5, 1),
    segment(third, 6, 7, 1),
  ]);
  const snapshot = (name: string, sequence: number) => (
    { name, size: sizeOf(disk, name), sequence, version: 3, flaw: null }
  );
  assertEquals(snapshots, [snapshot(older, 3), snapshot(newer, 5)]);
  assertEquals([mutator, version, nextOpen.outcome], ["counter", 3, "open"]);
});

test("inspectState() says of damaged files where the damage is, and what is not known", async () => {
  const disk = await makeState();
  const damage = (name: string, at: number) =>
    disk.plant(pathOf(name), disk.peek(pathOf(name))!.with(at, 0x2a));
  const text = new TextDecoder().decode(disk.peek(pathOf(second))!);
  const at = text.indexOf("\n[5,") + 1;
  damage(first, 3);
  damage(second, at + 4);
  damage(older, 3);
  damage(newer, sizeOf(disk, newer) - 5);
  const { segments, snapshots, findings } = await inspectState(disk, DIRECTORY, journalName);
  assertEquals(segments.slice(0, 2), [
    {
      name: first,
      size: sizeOf(disk, first),
      soundSize: 0,
      sequenceFirst: 1,
      sequenceLast: 0,
      sealed: false,
      mutator: null,
      version: null,
      damagedAt: 0,
      refused: 0,
    },
    {
      name: second,
      size: sizeOf(disk, second),
      soundSize: at,
      sequenceFirst: 4,
      sequenceLast: 4,
      sealed: false,
      mutator: "counter",
      version: 3,
      damagedAt: at,
      refused: 0,
    },
  ]);
  assertEquals(snapshots.map(({ version, flaw }) => [version, flaw !== null]), [
    [null, true],
    [null, true],
  ]);
  const found = findings.map(({ path, severity, offset, needed }) => [
    path.slice(DIRECTORY.length + 1),
    severity,
    offset,
    needed,
  ]);
  assertEquals(found, [
    [older, "corrupt", null, false],
    [newer, "corrupt", null, false],
    [first, "corrupt", 0, true],
    [second, "corrupt", at, true],
  ]);
});
