// Tests how a state that no header names any longer is moved away, and what is reported of it.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import type { DurableFs } from "../../src/durable_fs.ts";
import { StateDirectory } from "../../src/journal/state_directory.ts";
import { setUnnamedAside } from "../../src/recovery/aside_unnamed.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { badDisk } from "../support/bad_disk.ts";
import { DIRECTORY, makeState, pathOf, wal } from "../support/rotten_inodes.ts";
import { journalName } from "../support/samples.ts";

/** A state of one segment, whose first line is damaged. */
async function makeUnnamed() {
  const disk = await makeState();
  for (const path of disk.paths(DIRECTORY)) if (path !== pathOf(wal(1))) disk.unplant(path);
  disk.plant(pathOf(wal(1)), disk.peek(pathOf(wal(1)))!.with(45, 0x2a));
  return disk;
}

async function setAside(fs: DurableFs) {
  const inspection = await inspectState(fs, DIRECTORY, journalName);
  const directory = await StateDirectory.openForWriting(fs, DIRECTORY, journalName);
  try {
    return await setUnnamedAside(directory, inspection);
  } finally {
    await directory.close();
  }
}

test("setUnnamedAside() moves the files away, and keeps a report of what is lost", async () => {
  const disk = await makeUnnamed();
  const bytes = disk.peek(pathOf(wal(1)));
  const target = `${DIRECTORY}/quarantine/${wal(1)}`;
  const lost = { sequenceFirst: 1, sequenceLast: null };
  assertEquals(await setAside(disk), { lost, setAside: [target], stays: [] });
  assertEquals([disk.peek(target), disk.peek(pathOf(wal(1)))], [bytes, null]);
  const report = disk.peek(`${DIRECTORY}/quarantine/lost-from-1.json`)!;
  assertEquals(JSON.parse(new TextDecoder().decode(report)), {
    ...lost,
    path: pathOf(wal(1)),
    offset: 0,
    reason: "its first line is damaged, which a power cut can't cause",
    quarantined: [],
  });
});

test("setUnnamedAside() names what only fsck can move, and fails where anything else is in the way", async () => {
  const disk = await makeUnnamed();
  const refusing = (code: string): DurableFs => {
    const { fs } = badDisk(disk, { part: wal(1), code, times: 0 });
    const refuse = (path: string) => {
      if (path === pathOf(wal(1))) throw Object.assign(new Error(code), { code });
    };
    return {
      ...fs,
      rename: (from, to) => (refuse(from), disk.rename(from, to)),
      remove: (path) => (refuse(path), disk.remove(path)),
    };
  };
  const { setAside: moved, stays } = await setAside(refusing("EBADMSG"));
  assertEquals([moved, stays], [[], [pathOf(wal(1))]]);
  const error = await assertRejects(() => setAside(refusing("EACCES")), IoError);
  assertEquals(error.systemCode, "EACCES");
});
