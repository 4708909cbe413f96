// Tests the outcome of single disk failures, one by one; test/simulation/faults.test.ts walks through all calls.

import { appendFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError, PoisonedError } from "@ministate/ministate";
import { EXTREMES } from "../../testing/disk/power_cut.ts";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { SECTOR_SIZE } from "../../testing/disk/file.ts";
import { Random } from "../../testing/disk/random.ts";
import { LINE_FEED } from "../../src/format/format.ts";
import { fileName, rewrite } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { type FsCall, systemError, wrapFs } from "../support/wrapped_fs.ts";

const manual = { compaction: "manual" as const };

/** A file system that fails where `where` says so, as long as a code is set. */
async function fallible(where: (operation: FsCall) => boolean) {
  const failure = { code: "" };
  const fs = await wrapFs((operation) => {
    if (failure.code !== "" && where(operation)) throw systemError(failure.code);
  });
  return { fs, failure };
}

test("apply() poisons the manager when a write fails for any reason but a full disk", async () => {
  await using directory = await temporaryDirectory();
  let writes = 0;
  const { fs, failure } = await fallible(({ name }) => name === "write" && ++writes === 1);
  await using manager = await openLedger(directory.path, { fs, ...manual });
  await manager.apply(1);
  failure.code = "EIO";
  await assertRejects(() => manager.apply(2), PoisonedError);
  failure.code = "";
  await assertRejects(() => manager.createSnapshot(), PoisonedError);
  assertEquals([manager.sequence, manager.snapshot()], [1, { entries: [1] }]);
});

test("createSnapshot() overwrites what a failed attempt could not remove", async () => {
  await using directory = await temporaryDirectory();
  const { fs, failure } = await fallible(({ name, path }) =>
    (name === "rename" || name === "remove") && path.includes(".snapshot.")
  );
  await using manager = await openLedger(directory.path, { fs, ...manual });
  await manager.apply(1);
  failure.code = "EIO";
  await assertRejects(() => manager.createSnapshot(), IoError);
  failure.code = "";
  assertEquals((await manager.createSnapshot()).sequence, 1);
});

test("a full disk that can't even cut a file or write a seal loses nothing acknowledged", async () => {
  await using directory = await temporaryDirectory();
  const { fs, failure } = await fallible(({ name }) => name === "truncate");
  {
    await using manager = await openLedger(directory.path, { fs, ...manual });
    await manager.apply(1);
    failure.code = "ENOSPC";
    await manager.createSnapshot();
    failure.code = "";
    assertEquals((await manager.apply(2)).sequence, 2);
  }
  let writes = 0;
  const sealing = await fallible(({ name }) => name === "write" && ++writes === 1);
  const manager = await openLedger(directory.path, { fs: sealing.fs, ...manual });
  await manager.apply(3);
  sealing.failure.code = "ENOSPC";
  await manager.close();
  await using again = await openLedger(directory.path);
  assertEquals([again.recovery.sealed, again.recovery.lost, again.sequence], [false, null, 3]);
});

test("open() cuts a torn tail on a full disk, and says that it is not kept", async () => {
  await using directory = await temporaryDirectory();
  await openLedger(directory.path).then((manager) => manager.close());
  await appendFile(directory.join(fileName("wal", 1)), "[1,{to");
  const { fs, failure } = await fallible(({ name, path }) =>
    name === "write" && path.includes("/quarantine/")
  );
  failure.code = "ENOSPC";
  await using manager = await openLedger(directory.path, { fs });
  assertEquals([manager.recovery.torn?.size, manager.recovery.torn?.keptAt], [6, null]);
});

test("open() fails with the system's error when damage can't be set aside, and sets it aside the next time", async () => {
  const places: [string, string, (operation: FsCall) => boolean][] = [
    ["the report", "EIO", ({ name, path }) => name === "write" && path.includes("lost-from")],
    [
      "a later segment",
      "EACCES",
      ({ name, path }) => name === "rename" && path.endsWith(fileName("wal", 3)),
    ],
  ];
  for (const [place, code, where] of places) {
    await using directory = await temporaryDirectory();
    {
      await using manager = await openLedger(directory.path, manual);
      await manager.applyAll([{ number: 1 }, { number: 2 }]);
      await manager.createSnapshot();
      await manager.apply({ number: 3 });
    }
    await rewrite(directory.join(fileName("wal", 1)), (text) => text.replace(":1}", ":9}"));
    await rewrite(directory.join(fileName("snapshot", 2)), (text) => text.replace(":1}", ":9}"));
    const { fs, failure } = await fallible(where);
    failure.code = code;
    const quarantine = { fs, onCorruption: "quarantine" as const };
    await assertRejects(() => openLedger(directory.path, quarantine), IoError, code, place);
    failure.code = "";
    await using manager = await openLedger(directory.path, quarantine);
    assertEquals([manager.sequence, manager.recovery.lost?.sequenceLast], [0, 3], place);
  }
});

test("open() leaves no torn tail behind when the sync of an earlier repair failed", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new PowerCutDisk(seed);
    const open = (fs: PowerCutDisk) => openLedger("/state", { fs, ...manual });
    const path = (await open(disk)).journalPath;
    const torn = disk.crash();
    const bytes = disk.peek(path)!;
    // Three sectors of a batch that never got its end.
    const start = bytes.lastIndexOf(
      LINE_FEED,
      bytes.findLastIndex((byte) => byte !== LINE_FEED) + 1,
    );
    bytes.fill("x".charCodeAt(0), start + 1, 3 * SECTOR_SIZE);
    torn.plant(path, bytes);

    const failing = torn.image();
    await open(torn);
    const sync = torn.log.findLastIndex((call) => call === `syncAll ${path}`) + 1;
    failing.fault = { at: sync, how: "EIO", sticky: false };
    await assertRejects(() => open(failing), IoError);
    // The page cache shows line feeds, no matter how many of them reached the disk.
    const again = failing.crash();
    await (await open(again)).apply(1);

    const next = await open(again.powerCut(EXTREMES.lost, new Random(seed)));
    assertEquals([next.recovery.torn, next.snapshot()], [null, { entries: [1] }], `seed ${seed}`);
  }
});
