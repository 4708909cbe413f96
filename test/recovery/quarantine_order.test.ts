// Tests that nothing leaves the state directory before its name in the quarantine is durable.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { DurableFs } from "@ministate/ministate";
import { freshDisk } from "../../simulation/workloads.ts";
import { listState } from "../../src/disk/list_state.ts";
import { readSegmentFacts } from "../../src/recovery/segment_facts.ts";
import { EXTREME_POWER_CUTS } from "../../testing/disk/power_cut.ts";
import { Random } from "../../testing/disk/random.ts";
import { fileName } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { systemError } from "../support/wrapped_fs.ts";
import type { PowerCutDisk } from "@ministate/ministate/testing";

const STATE = "/data/state";
const QUARANTINE = `${STATE}/quarantine`;
const segment = (sequence: number) => `${STATE}/${fileName("wal", sequence)}`;

/** Segments from 1, 3 and 5 with two mutations each; snapshots of sequence 2 and 4 if they are kept. */
async function recorded(keepsSnapshots: boolean): Promise<PowerCutDisk> {
  const disk = freshDisk();
  const manager = await openLedger(STATE, { fs: disk, compaction: "manual" });
  for (let i = 1; i <= 6; i++) {
    await manager.apply({ number: i });
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
  await manager.close();
  for (const path of disk.paths(STATE)) {
    if (!keepsSnapshots && path.includes(".snapshot.")) disk.unplant(path);
  }
  return disk;
}

interface Refused {
  /** The segment that can't be opened. */
  unreadable?: string;
  /** The segment that has to be there before that one is moved. */
  begun?: string;
}

/** Notes what leaves the directory, or is made durable in it, while a name in the quarantine is not. */
function watched(
  disk: PowerCutDisk,
  { unreadable, begun }: Refused,
): { fs: DurableFs; moved: string[]; tooEarly: string[] } {
  const isAside = (path: string) => path.startsWith(`${QUARANTINE}/`);
  const pending = new Set<string>();
  const seen = { moved: [] as string[], tooEarly: [] as string[] };
  const look = (call: string) => {
    if (pending.size > 0) seen.tooEarly.push(`${call} before ${[...pending]}`);
  };
  const fs: DurableFs = {
    open(path, mode) {
      if (path === unreadable && mode !== "create") return Promise.reject(systemError("EIO"));
      return disk.open(path, mode);
    },
    async rename(from, to) {
      if (isAside(to) && !isAside(from)) {
        seen.moved.push(from);
        if (begun !== undefined && !disk.paths(STATE).includes(begun)) {
          seen.tooEarly.push(`rename ${from} before ${begun}`);
        }
      }
      await disk.rename(from, to);
      if (isAside(to)) pending.add(to);
    },
    async remove(path) {
      if (path.includes(".wal.") && !isAside(path)) look(`remove ${path}`);
      await disk.remove(path);
    },
    async syncDirectory(path) {
      await disk.syncDirectory(path);
      if (path === QUARANTINE) pending.clear();
      else if (path === STATE) look("sync");
    },
    list: (path) => disk.list(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    lock: (path, directory) => disk.lock(path, directory),
    lockDirectory: (path) => disk.lockDirectory(path),
    identity: (path) => disk.identity(path),
    resolve: (path) => disk.resolve(path),
    crc32: (bytes, seed) => disk.crc32(bytes, seed),
  };
  return Object.assign(seen, { fs });
}

interface Row {
  /** What is set aside. */
  name: string;
  keepsSnapshots: boolean;
  harm: (disk: PowerCutDisk) => void;
  refused: Refused;
  /** The sequences that are lost begin here. */
  lost: number;
  aside: number[];
}

const spoil = (sequence: number, text: string) => (disk: PowerCutDisk) => {
  const bytes = disk.peek(segment(sequence))!;
  bytes[new TextDecoder("latin1").decode(bytes).indexOf(text) + 2]! ^= 1;
  disk.plant(segment(sequence), bytes);
};

const rows: Row[] = [
  {
    name: "segments after the damage, as copies",
    keepsSnapshots: false,
    harm: spoil(1, "[1,"),
    refused: {},
    lost: 1,
    aside: [1, 3, 5],
  },
  {
    name: "a segment that can't be opened, itself",
    keepsSnapshots: false,
    harm: () => {},
    refused: { unreadable: segment(1) },
    lost: 1,
    aside: [1, 3, 5],
  },
  {
    name: "a segment that can't be opened, after a fresh one of another name",
    keepsSnapshots: true,
    harm: (disk) => disk.unplant(segment(5)),
    // Before it: with neither of them, a snapshot alone would look like a sound state.
    refused: { unreadable: segment(3), begun: segment(5) },
    lost: 5,
    aside: [3],
  },
];

for (const { name, keepsSnapshots, harm, refused, lost, aside } of rows) {
  test(`open() sets aside ${name}, and none leaves before its copy is there`, async () => {
    const disk = await recorded(keepsSnapshots);
    harm(disk);
    const watch = watched(disk, refused);
    const manager = await openLedger(STATE, { fs: watch.fs, onCorruption: "quarantine" });
    assertEquals(manager.recovery.lost?.sequenceFirst, lost);
    assertEquals(
      manager.recovery.lost?.quarantined,
      aside.map((sequence) => `${QUARANTINE}/${fileName("wal", sequence)}`),
    );
    assertEquals(watch.tooEarly, []);
    // On FAT, a rename from one directory to another can lose the file: what can be copied is.
    assertEquals(watch.moved, refused.unreadable === undefined ? [] : [refused.unreadable]);
    await manager.close();
  });
}

test("open() moves no later segment away before the damaged one is durably its sound part", async () => {
  const disk = await recorded(false);
  spoil(1, "[2,")(disk);
  const { fs } = watched(disk, {});
  const [file] = (await listState(disk, STATE, "test")).segments;
  const left: string[] = [];
  const looking: DurableFs = {
    ...fs,
    async remove(path) {
      if ([segment(3), segment(5)].includes(path)) {
        for (const rules of EXTREME_POWER_CUTS) {
          const facts = await readSegmentFacts(disk.image().powerCut(rules, new Random(1)), file!);
          left.push(
            facts.failure === null
              ? `${facts.damage?.reason} after ${facts.sequenceNext - 1}`
              : "unusable",
          );
        }
      }
      await fs.remove(path);
    },
  };
  await openLedger(STATE, { fs: looking, onCorruption: "quarantine" }).then((manager) =>
    manager.close()
  );
  // With the damage still in place, and the segments gone that prove it, it would look like a torn tail.
  assertEquals(left, Array(2 * EXTREME_POWER_CUTS.length).fill("undefined after 1"));
});
