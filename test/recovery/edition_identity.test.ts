// Whose a directory is once nothing in force could be read, and what files of earlier editions have to say about it.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { CorruptionError, type DurableFs } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { inspectState } from "../../src/recovery/inspect.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { EXTREMES } from "../../testing/disk/power_cut.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { type Bad, badDisk } from "../support/bad_disk.ts";
import {
  damage,
  DIRECTORY,
  kept,
  later,
  makeState,
  open,
  pathOf,
  quarantine,
  snapshot,
  strangeSegment,
  wal,
} from "../support/rotten_inodes.ts";
import { journalName } from "../support/samples.ts";
import { Random } from "../support/random.ts";
import { systemError } from "../support/wrapped_fs.ts";

/** Six mutations in segments from 1, 3 and 5. */
async function segmentsAlone(): Promise<PowerCutDisk> {
  const disk = await makeState();
  for (const sequence of [2, 4]) disk.unplant(pathOf(snapshot(sequence)));
  return disk;
}

const rotten = (part: string): Bad => ({ part: `state/${part}`, code: "EBADMSG" });

async function applyAll(fs: DurableFs, mutations: string, options: object = {}): Promise<void> {
  await using manager = await open(fs, options);
  for (const mutation of mutations) await manager.apply(mutation);
}

for (const options of [{}, quarantine]) {
  test(`what was acknowledged after every file had rotten is there when fsck has restored them, opened with ${JSON.stringify(options)}`, async () => {
    const disk = freshDisk();
    await applyAll(disk, "12");
    const bad = rotten(wal(1));
    await applyAll(badDisk(disk, bad).fs, "abc", quarantine);
    // After fsck: the restored file has the journal's first id, and is older.
    await using reader = await open(disk, { readOnly: true });
    assertEquals(kept(reader), "abc");
    await using manager = await open(disk, options);
    assertEquals([kept(manager), manager.recovery.lost], ["abc", null]);
  });
}

test("files restored of two earlier editions don't outvote the one that has no other file", async () => {
  const disk = await segmentsAlone();
  const first = rotten(wal(1)), second = { ...rotten(""), part: later(wal(1)) };
  await applyAll(badDisk(disk, first).fs, "x", quarantine);
  await applyAll(badDisk(disk, first, second).fs, "abc", quarantine);
  await using manager = await open(disk);
  assertEquals([kept(manager), manager.recovery.lost, manager.recovery.torn], ["abc", null, null]);
  await manager.apply("d");
  await manager.compact();
  await manager.close();
  await using again = await open(disk);
  assertEquals(kept(again), "abcd");
});

test("a snapshot store gives the state written beside a stuck snapshot, and not the one that fsck restores", async () => {
  const disk = freshDisk();
  const create = async (fs: DurableFs, state: string) => {
    await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
    await store.create(7, state);
  };
  await create(disk, "old");
  await create(badDisk(disk, rotten(snapshot(7))).fs, "new");
  for (const order of [1, -1]) {
    const fs: DurableFs = new Proxy(disk, {
      get(target, key) {
        const value = Reflect.get(target, key);
        if (key !== "list") return typeof value === "function" ? value.bind(target) : value;
        return async (path: string) =>
          (await target.list(path)).sort((a, b) => a.name < b.name ? -order : order);
      },
    });
    await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs, readOnly: true });
    assertEquals((await store.restore())?.state, "new");
  }
});

test("a segment of a later edition under another name is damage, and no new state begins beside it", async () => {
  const disk = freshDisk();
  await applyAll(disk, "12");
  await applyAll(badDisk(disk, rotten(wal(1))).fs, "abcd", quarantine);
  disk.unplant(pathOf(wal(1)));
  const bytes = disk.peek(later(wal(1)))!;
  disk.unplant(later(wal(1)));
  disk.plant(later(wal(2)), bytes);
  await assertRejects(() => open(disk), CorruptionError);
  assertEquals((await inspectState(disk, DIRECTORY, journalName)).nextOpen.outcome, "refuse");
});

test("a superseded file that may not be opened is no obstacle, and one in force is", async () => {
  const disk = await segmentsAlone();
  await applyAll(badDisk(disk, rotten(wal(3))).fs, "ab", quarantine);
  for (const code of ["EACCES", "ESTALE", "ETIMEDOUT"]) {
    for (const options of [{ readOnly: true }, {}]) {
      await using manager = await open(badDisk(disk, { ...rotten(wal(3)), code }).fs, options);
      assertEquals(kept(manager), "12ab");
    }
    const inForce = badDisk(disk, { part: later(wal(3)), code }).fs;
    assertEquals(
      (await assertRejects(() => open(inForce)) as { systemCode?: string }).systemCode,
      code,
    );
  }
});

test("setting damage of an earlier edition aside keeps an edition, so that nothing of it counts again", async () => {
  const disk = await segmentsAlone();
  const bad = rotten(wal(3));
  const { fs } = badDisk(disk, bad);
  await applyAll(fs, "x", quarantine);
  // In the first segment, before what the later edition continued.
  damage(wal(1), '"2"')(disk);
  await applyAll(fs, "yz", quarantine);
  for (const after of [fs, disk]) {
    await using manager = await open(after);
    assertEquals([kept(manager), manager.recovery.lost], ["1yz", null]);
  }
});

test("another journal's segment counts neither as read nor in the totals", async () => {
  const disk = await segmentsAlone();
  const strange = freshDisk();
  {
    await using journal = await Journal.open<string>(DIRECTORY, journalName, { fs: strange });
    for (let i = 0; i < 50; i++) await journal.append("of another journal");
  }
  disk.plant(pathOf(wal(1)), strange.peek(pathOf(wal(1)))!);
  const { written, verdict } = await inspectState(disk, DIRECTORY, journalName);
  // The newest segment's header says what had been written until then.
  assertEquals([verdict, written.mutations], ["corrupt", 4]);
  await using manager = await open(disk, quarantine);
  assertEquals([manager.recovery.segmentsRead, manager.sequence], [0, 0]);
  assertEquals(manager.stats().life.mutations, 4);
});

test("an inspection closes a file whose size is refused", async () => {
  const disk = await segmentsAlone();
  let opened = 0;
  const fs: DurableFs = new Proxy(disk, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "open") return typeof value === "function" ? value.bind(target) : value;
      return async (path: string, mode: "read") => {
        const file = await target.open(path, mode);
        opened++;
        const close = () => (opened--, file.close());
        const size = () => Promise.reject(systemError("ESTALE"));
        return new Proxy(file, {
          get(target, key) {
            if (key === "size") return size;
            if (key === "close") return close;
            const value = Reflect.get(target, key);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      };
    },
  });
  await assertRejects(() => inspectState(fs, DIRECTORY, journalName));
  assertEquals(opened, 0);
});

test("an id drawn again says so whenever the power is cut, so that what fsck restores never outvotes it", async () => {
  for (let at = 1;; at++) {
    const disk = await segmentsAlone();
    // The first line of the first segment is damaged, and nothing else can be read.
    const bytes = disk.peek(pathOf(wal(1)))!.slice();
    bytes[30]! ^= 1;
    disk.plant(pathOf(wal(1)), bytes);
    const bads = () => [rotten(wal(3)), rotten(wal(5))];
    disk.cutAt = disk.calls + at;
    let isCut = false;
    try {
      await applyAll(badDisk(disk, ...bads()).fs, "", quarantine);
    } catch {
      isCut = true;
    }
    const image = disk.powerCut(EXTREMES.kept, new Random(at));
    await applyAll(badDisk(image, ...bads()).fs, "abc", quarantine);
    // After fsck.
    for (const options of [{ readOnly: true }, {}]) {
      await using manager = await open(image.crash(), options);
      assertEquals(kept(manager), "abc", `cut at call ${at}`);
    }
    if (!isCut) return;
  }
});

test("files that may not be opened just now are not outvoted by another journal's later edition", async () => {
  const disk = await segmentsAlone();
  disk.plant(later(wal(1)), await strangeSegment(1));
  const { fs } = badDisk(disk, { part: /test-\d+\.wal/, code: "EACCES" });
  const error = await assertRejects(() => open(fs)) as { systemCode?: string };
  assertEquals(error.systemCode, "EACCES");
});

test("a snapshot store that is opened again still says that its id was drawn again", async () => {
  const disk = freshDisk();
  const create = async (fs: DurableFs, sequence: number, state: string) => {
    await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
    await store.create(sequence, state);
  };
  for (const sequence of [3, 5, 6, 7]) await create(disk, sequence, `old ${sequence}`);
  // A disk that gives no file at all is at fault itself.
  const bytes = disk.peek(pathOf(snapshot(3)))!.slice();
  bytes[30]! ^= 1;
  disk.plant(pathOf(snapshot(3)), bytes);
  const bads = [5, 6, 7].map((sequence) => rotten(snapshot(sequence)));
  const { fs } = badDisk(disk, ...bads);
  await create(fs, 4, "new 4");
  await create(fs, 7, "new 7");
  await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs: disk });
  assertEquals((await store.restore())?.state, "new 7");
});

test("open() refuses what fsck must mend first, rather than acknowledge what the next open would lose again", async () => {
  const disk = freshDisk();
  await applyAll(disk, "1234");
  // A stray name among the records that are kept, which can't be moved away.
  disk.plant(pathOf(wal(3)), disk.peek(pathOf(wal(1)))!);
  const { fs } = badDisk(disk, rotten(wal(3)));
  const error = await assertRejects(() => open(fs, quarantine)) as { systemCode?: string };
  assertEquals(error.systemCode, "EBADMSG");
  await using manager = await open(disk, quarantine);
  assertEquals(kept(manager), "1234");
});
