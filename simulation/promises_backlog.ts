/**
 * What is promised about compactions while callers write as fast as they can: how large the directory gets, and how
 * long callers wait. The disk's own clock decides, so that every run is the same.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, NAME } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const BACKLOG: readonly Promised[] = [
  { name: "the directory stays below twice its promised size", keep: directoryIsBounded },
  { name: "no caller waits long for a compaction", keep: waitsAreShort },
  { name: "snapshots of the program's own don't fill the disk", keep: ownSnapshotsAreDeleted },
];

const MEBIBYTE = 1024 * 1024;
const SPACE = 2 ** 40;
const VALUE_SIZE = 16 * 1024;
const KEYS = MEBIBYTE / VALUE_SIZE;
/** How much is written: the state's size many times. */
const CALLS = 32 * KEYS;

/** Keeps the latest value of each key. */
const latest = {
  initial: (): Record<number, string> => ({}),
  apply(state: Record<number, string>, { key, value }: { key: number; value: string }) {
    state[key] = value;
  },
};

type Manager = StateManager<Record<number, string>, { key: number; value: string }>;

/** Writes each key in turn, and notes how large the directory was at most. */
class Writer {
  most = 0;
  #next = 0;
  readonly #fs: PowerCutDisk;
  readonly #manager: Manager;

  constructor(fs: PowerCutDisk, manager: Manager) {
    this.#fs = fs;
    this.#manager = manager;
    fs.spaceLeft = SPACE;
  }

  async put(): Promise<void> {
    const next = this.#next++;
    await this.#manager.apply({ key: next % KEYS, value: `${next} `.padEnd(VALUE_SIZE, "x") });
    this.most = Math.max(this.most, SPACE - this.#fs.spaceLeft);
  }

  /** A caller that waits for each answer, and for nothing else. */
  async putMany(until: number): Promise<void> {
    while (this.#next < until) await this.put();
  }
}

async function directoryIsBounded(tally: Tally): Promise<void> {
  // Callers that wait for their answers, and one that doesn't.
  for (const isPatient of [true, false]) {
    const fs = freshDisk();
    const options = { fs, compactionSize: 64 * 1024, segmentSizeMax: MEBIBYTE };
    const manager = await StateManager.open(DIRECTORY, NAME, latest, options);
    const writer = new Writer(fs, manager);
    await writer.putMany(KEYS);
    for (let i = 0; i < 2; i++) {
      await writer.put();
      await manager.compact();
    }
    const calls = isPatient
      ? Array.from({ length: 64 }, () => writer.putMany(CALLS))
      : Array.from({ length: CALLS }, () => writer.put());
    await Promise.all(calls);
    const { size } = await manager.createSnapshot();
    const promised = 2 * 2 * size + MEBIBYTE;
    assert(writer.most < 2 * promised, `${writer.most} bytes where ${promised} are promised`);
    assertEquals(manager.compactionError, null);
    await manager.close();
    const again = await StateManager.open(DIRECTORY, NAME, latest, { fs: fs.crash() });
    assertEquals(Object.keys(again.state).length, KEYS);
    tally.state("directory", "bounded");
  }
}

/** The longest wait, in milliseconds of the disk's clock: the time allowed, and the piece during which it runs out. */
const WAIT_MS = 8.5;

async function waitsAreShort(tally: Tally): Promise<void> {
  const fs = freshDisk();
  let longest = 0;
  let begun: number | null = null;
  // Everything between two turns of the queue of jobs is one wait.
  const disk = new Proxy(fs, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "now") return typeof value === "function" ? value.bind(target) : value;
      return () => {
        const now = target.now();
        if (begun === null) queueMicrotask(() => begun = null);
        longest = Math.max(longest, now - (begun ??= now));
        return now;
      };
    },
  });
  const manager = await StateManager.open(DIRECTORY, NAME, latest, { fs: disk });
  const writer = new Writer(fs, manager);
  for (let round = 1; round <= 4; round++) {
    await writer.putMany(round * KEYS);
    await manager.createSnapshot();
  }
  assert(longest > 0, "no wait was measured");
  assert(longest <= WAIT_MS, `callers waited for ${longest} ms`);
  tally.state("snapshot", "quick");
}

/** Each keeps the journal short, so that no compaction is ever due. */
async function ownSnapshotsAreDeleted(tally: Tally): Promise<void> {
  const fs = freshDisk();
  const manager = await StateManager.open(DIRECTORY, NAME, latest, { fs });
  const writer = new Writer(fs, manager);
  for (let round = 1; round <= 8; round++) {
    await writer.put();
    await manager.createSnapshot();
  }
  const snapshots = fs.paths(DIRECTORY).filter((path) => path.includes(".snapshot."));
  assertEquals(snapshots.length, 2, "all are kept");
  await manager.close();
  tally.state("snapshot", "deleted");
}
