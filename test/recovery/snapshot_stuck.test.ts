// What is done about a snapshot that only fsck can move away, where one of its sequence is to be written.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { inspectState } from "../../src/recovery/inspect.ts";
import { badDisk } from "../support/bad_disk.ts";
import {
  DIRECTORY,
  kept,
  makeState,
  open,
  pathOf,
  quarantine,
  snapshot,
} from "../support/rotten_inodes.ts";
import { journalName } from "../support/samples.ts";

/** The path of a snapshot of a later edition. */
const later = (sequence: number, edition: number) =>
  pathOf(snapshot(sequence)).replace(".snapshot", `.${edition}.snapshot`);

/** The state with a snapshot of its last sequence, which can't be read or moved. */
async function makeRotten(code: string) {
  const disk = await makeState();
  await open(disk).then(async (manager) => {
    await manager.createSnapshot();
    await manager.close();
  });
  return { disk, fs: badDisk(disk, { part: snapshot(6), code }).fs };
}

for (const code of ["EBADMSG", "EUCLEAN", "EIO"]) {
  for (const options of [{}, quarantine]) {
    test(`a snapshot is written in the next edition beside one of its sequence that fails with ${code}, opened with ${JSON.stringify(options)}`, async () => {
      const { disk, fs } = await makeRotten(code);
      {
        await using manager = await open(fs, options);
        const { snapshot: taken } = await manager.compact();
        assertEquals([taken.path, taken.sequence], [later(6, 2), 6]);
        // It is good, and is not written again.
        assertEquals(await manager.createSnapshot(), taken);
        await manager.apply("7");
      }
      {
        await using manager = await open(fs, options);
        const { snapshot: base, snapshotsSkipped, superseded, replayed } = manager.recovery;
        assertEquals([kept(manager), base, replayed], [
          "1234567",
          { path: later(6, 2), sequence: 6 },
          1,
        ]);
        assertEquals([snapshotsSkipped, superseded], [[], [pathOf(snapshot(6))]]);
        await manager.compact();
        await manager.apply("8");
        await manager.backup("/data/copy");
      }
      const { verdict, findings, nextOpen } = await inspectState(fs, DIRECTORY, journalName);
      assertEquals([verdict, findings.map(({ needed }) => needed)], ["corrupt", [false]]);
      assertEquals(nextOpen.sequence, 8);
      // After fsck.
      await using manager = await open(disk, options);
      assertEquals([kept(manager), manager.recovery.superseded], ["12345678", []]);
    });
  }
}

test("a snapshot store writes in the next edition, and its later snapshots of that sequence count", async () => {
  const { disk, fs } = await makeRotten("EBADMSG");
  {
    await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs });
    assertEquals((await store.create(6, { n: 1 })).path, later(6, 2));
    assertEquals((await store.create(6, { n: 2 })).path, later(6, 2));
    assertEquals((await store.restore())?.state, { n: 2 });
  }
  // The second one rots as well.
  const worse = badDisk(disk, { part: /6(\.2)?\.snapshot\.jsonl$/, code: "EBADMSG" }).fs;
  await using store = await SnapshotStore.open(DIRECTORY, journalName, { fs: worse });
  assertEquals((await store.create(6, { n: 3 })).path, later(6, 3));
  assertEquals((await store.restore())?.state, { n: 3 });
});

test("a rename that is refused once, and one that every edition refuses, fail with what the system said", async () => {
  const cases = [
    { part: later(6, 9999), code: "EBADMSG", plant: later(6, 9999) },
    { part: snapshot(6), code: "EIO", times: 1 },
  ];
  for (const { plant, ...bad } of cases) {
    const disk = await makeState();
    if (plant !== undefined) disk.plant(plant, new Uint8Array(9));
    const { fs } = badDisk(disk, bad);
    await using manager = await open(fs);
    const error = await assertRejects(() => manager.createSnapshot(), IoError);
    assertEquals(error.systemCode, bad.code);
    assertEquals(disk.paths(DIRECTORY).filter((path) => path.endsWith(".tmp")), []);
  }
});

test("a snapshot that rots before the next mutation is written again, and begins no segment", async () => {
  const { disk, fs } = await makeRotten("EUCLEAN");
  await using manager = await open(fs);
  const { path } = await manager.createSnapshot();
  disk.plant(path, disk.peek(path)!.map((byte, i) => i === 200 ? byte ^ 1 : byte));
  const segments = async () =>
    (await disk.list(DIRECTORY)).filter(({ name }) => name.includes(".wal."));
  const before = await segments();
  assertEquals((await manager.createSnapshot()).path, path);
  assertEquals(await segments(), before);
  await manager.apply("7");
  assertEquals(kept(manager), "1234567");
});
