// Tests how an unfinished file that only fsck can remove is handled when its name is needed again.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { type DurableFs, IoError, StateManager } from "@ministate/ministate";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import {
  damage,
  DIRECTORY,
  kept,
  makeState,
  open,
  pathOf,
  quarantine,
  snapshot,
  wal,
} from "../support/rotten_inodes.ts";
import { journalName, type Ledger, ledger } from "../support/samples.ts";

/** Unfinished files, the first one or the first two under each name, that only fsck can remove. */
const ROTTEN = [/jsonl\.tmp$/, /jsonl(\.tmp){1,2}$/];
const CODES = ["EBADMSG", "EUCLEAN", "EIO"];

/** Opens with a newer version of the program. */
const update = (fs: DurableFs) =>
  StateManager.open<Ledger, unknown, number>(DIRECTORY, journalName, {
    ...ledger,
    version: 2,
    migrate: { state: (old: unknown) => old as Ledger },
  }, {
    fs,
  });

for (const [i, part] of ROTTEN.entries()) {
  for (const code of CODES) {
    test(`mutations, compactions and updates continue beside ${i + 1} unfinished files that fail with ${code}`, async () => {
      const disk = await makeState();
      for (const name of [wal(7), snapshot(7), snapshot(8), wal(9)]) {
        disk.plant(`${pathOf(name)}.tmp`, new Uint8Array(5));
      }
      const { fs } = badDisk(disk, { part, code });
      {
        await using manager = await open(fs, { segmentSizeMax: 65536 });
        assertEquals((await manager.apply("7".repeat(66_000))).sequence, 7);
        assertEquals((await manager.compact()).snapshot.path, pathOf(snapshot(7)));
        assertEquals((await manager.apply("8")).sequence, 8);
        await manager.createSnapshot();
      }
      {
        await using manager = await update(fs);
        assertEquals([manager.state.entries.length, manager.recovery.lost], [8, null]);
        await manager.apply("9");
        await manager.backup("/data/copy");
      }
      // What fsck brings back is removed like any other unfinished file.
      await update(disk).then((manager) => manager.close());
      assertEquals(disk.paths(DIRECTORY).filter((path) => path.endsWith(".tmp")), []);
    });
  }
}

test("open() creates a state beside an unfinished file that only fsck can remove", async () => {
  const disk = freshDisk();
  await disk.makeDirectory(DIRECTORY);
  disk.plant(`${pathOf(wal(1))}.tmp`, new Uint8Array(0));
  const { fs } = badDisk(disk, { part: /jsonl\.tmp$/, code: "EBADMSG" });
  await open(fs).then(async (manager) => {
    await manager.apply("1");
    await manager.close();
  });
  await using manager = await open(disk);
  assertEquals([kept(manager), manager.recovery.created], ["1", false]);
});

test("open() sets damage aside beside unfinished files that only fsck can remove", async () => {
  const disk = await makeState();
  damage(wal(5), '"6"')(disk);
  const { fs } = badDisk(disk, { part: /(jsonl|json)\.tmp$/, code: "EBADMSG" });
  await using manager = await open(fs, quarantine);
  assertEquals([kept(manager), manager.recovery.lost?.quarantined], [
    "12345",
    [`${DIRECTORY}/quarantine/${wal(5)}`],
  ]);
});

test("a disk that refuses every name is reported by its first refusal, and a single refusal is accepted", async () => {
  for (const [times, tried] of [[Infinity, 4], [1, 1]]) {
    const disk = await makeState();
    let refused = 0;
    const { fs } = badDisk(disk, { part: /jsonl[.tmp]*\.tmp$/, code: "EIO", times });
    const counting = {
      ...fs,
      open: (path: string, mode: "read" | "write" | "create") => {
        if (mode === "create") refused++;
        return fs.open(path, mode);
      },
    };
    await using manager = await open(counting);
    refused = 0;
    const error = await assertRejects(() => manager.createSnapshot(), IoError);
    assertEquals([error.systemCode, refused], ["EIO", tried]);
    if (times === 1) assertEquals((await manager.createSnapshot()).path, pathOf(snapshot(6)));
  }
});
