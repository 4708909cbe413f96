// Tests that the directory stays below twice its promised size, however fast callers write. The simulated disk has its
// own clock, so only bytes and turns count, never how fast the machine is.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { StateManager } from "@ministate/ministate";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { hooked, systemError } from "../support/wrapped_fs.ts";

const DIRECTORY = "/data/state";
const NAME = "latest.wal.jsonl";
const SPACE = 2 ** 40;
const MEBIBYTE = 2 ** 20;

interface Put {
  key: number;
  value: string;
}

/** Keeps the latest value of each key. */
const latest = {
  initial: () => ({ values: {} as Record<number, string> }),
  apply(state: { values: Record<number, string> }, { key, value }: Put) {
    state.values[key] = value;
  },
};

/** Who writes what, and how often. */
interface Load {
  stateSize: number;
  valueSize: number;
  callers: number;
  /** How many bytes are written in all. */
  written: number;
  compactionSize: number;
  snapshotsKept: number;
  /** What the disk does in its own way. */
  seed: number;
  /** Whether callers wait for an answer before the next call. */
  waits: boolean;
}

const USUAL: Load = {
  stateSize: MEBIBYTE,
  valueSize: 16 * 1024,
  callers: 64,
  written: 48 * MEBIBYTE,
  compactionSize: 64 * 1024,
  snapshotsKept: 2,
  seed: 1,
  waits: true,
};

/** Writes, and returns the largest size of all files at any time, and the promised one. */
async function backlogOf(load: Load): Promise<{ most: number; promised: number }> {
  const { stateSize, valueSize, callers, written, snapshotsKept, compactionSize } = load;
  const fs = new PowerCutDisk(load.seed);
  fs.plantDirectory("/data");
  const segmentSizeMax = MEBIBYTE;
  const options = { fs, compactionSize, snapshotsKept, segmentSizeMax };
  await using manager = await StateManager.open(DIRECTORY, NAME, latest, options);
  const keys = Math.ceil(stateSize / valueSize);
  let next = 0;
  const put = () => {
    const key = next++ % keys;
    return manager.apply({ key, value: `${next} `.padEnd(valueSize, "x") });
  };
  while (next < keys) await put();
  for (let i = 0; i < snapshotsKept; i++) {
    await put();
    await manager.compact();
  }
  const snapshot = (await manager.createSnapshot()).size;
  fs.spaceLeft = SPACE;
  const before = fs.paths(DIRECTORY).reduce((sum, path) => sum + fs.peek(path)!.length, 0);
  let least = SPACE;
  const last = next + Math.ceil(written / valueSize);
  const once = async () => {
    await put();
    least = Math.min(least, fs.spaceLeft);
  };
  const caller = async () => {
    while (next < last) await once();
  };
  const calls = load.waits
    ? Array.from({ length: callers }, caller)
    : Array.from({ length: last - next }, once);
  await Promise.all(calls);
  const keep = snapshot + Math.max(compactionSize, snapshot);
  assertEquals(manager.compactionError, null);
  return { most: before + SPACE - least, promised: snapshotsKept * keep + segmentSizeMax };
}

const rows: { name: string; load: Partial<Load> }[] = [
  { name: "the state has 1 MiB", load: {} },
  { name: "calls are answered later", load: { seed: 4 } },
  { name: "the state has 10 MiB", load: { stateSize: 10 * MEBIBYTE, written: 80 * MEBIBYTE } },
  { name: "1,024 callers write", load: { callers: 1024 } },
  { name: "a caller waits for nothing", load: { waits: false } },
  { name: "four snapshots are kept", load: { snapshotsKept: 4 } },
  { name: "the state is smaller than compactionSize", load: { compactionSize: 4 * MEBIBYTE } },
];

for (const { name, load } of rows) {
  test(`the directory stays below twice its promised size when ${name}`, async () => {
    const { most, promised } = await backlogOf({ ...USUAL, ...load });
    assert(most <= 2 * promised, `${most} bytes where ${promised} are promised`);
  });
}

test("callers that wait for a compaction continue when it fails", async () => {
  const fs = new PowerCutDisk();
  fs.plantDirectory("/data");
  let isBroken = false;
  const disk = hooked(fs, async ({ name, path }) => {
    if (!isBroken || name !== "write" || !path.includes(".snapshot.")) return;
    // As long as a slow disk takes: the callers have written all that they may by then.
    for (let turn = 0; turn < 5000; turn++) await undefined;
    throw systemError("EIO");
  });
  const failures: unknown[] = [];
  const options = {
    fs: disk,
    compactionSize: 64 * 1024,
    onCompactionError: (error: unknown) => failures.push(error),
  };
  await using manager = await StateManager.open(DIRECTORY, NAME, latest, options);
  isBroken = true;
  const put = (key: number) => manager.apply({ key: key % 4, value: "x".repeat(8000) });
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 4 }, (_, key) => put(key)));
  assertEquals(manager.sequence, 400);
  assert(failures.length > 0);
});
