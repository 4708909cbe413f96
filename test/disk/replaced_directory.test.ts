// Tests that a reader never takes another journal for its own, also where the directory that has taken the path has the
// same number: file systems give a freed one out again.

import { mkdir, rm, stat } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { DirectoryGoneError, type DurableFs } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { PowerCutDisk } from "@ministate/ministate/testing";
import { detectFs } from "../../runtime/detect.ts";
import { assertFails } from "../support/errors.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const gone = {
  error: DirectoryGoneError,
  code: "DIRECTORY_GONE",
  says: /not the one that was opened/,
};

/** The disk, on which every file and directory has the same number. */
function numberless(disk: PowerCutDisk): DurableFs {
  return new Proxy(disk, {
    get(target, key) {
      if (key === "identity") return () => ({ device: 1, inode: 1, links: 1 });
      const value = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A journal of two segments, 1 to 2 and 3 to 4, and a snapshot of sequence 2. */
async function makeState(path: string, owner: string, fs?: DurableFs): Promise<void> {
  await using manager = await openLedger(path, { compaction: "manual", fs });
  await manager.applyAll([`${owner} 1`, `${owner} 2`]);
  await manager.createSnapshot();
  await manager.applyAll([`${owner} 3`, `${owner} 4`]);
}

/** What has taken the path. */
const replacements: Record<string, (path: string, fs: DurableFs) => Promise<void>> = {
  "a journal of the same names": (path, fs) => makeState(path, "theirs", fs),
  "a journal whose beginning was compacted": async (path, fs) => {
    await using manager = await openLedger(path, { compaction: "manual", fs });
    for (let i = 1; i <= 9; i++) {
      await manager.apply(`theirs ${i}`);
      if (i % 3 === 0) await manager.compact();
    }
  },
  "snapshots alone": async (path, fs) => {
    await using store = await SnapshotStore.open(path, journalName, { fs });
    await store.create(2, { entries: ["theirs 1", "theirs 2"] });
  },
  "nothing": (path, fs) => fs.makeDirectory(path),
};

/** All that reads by name after `open`. */
async function readersOf(path: string, fs: DurableFs) {
  const options = { readOnly: true, fs };
  const manager = await openLedger(path, options);
  const journal = await Journal.open(path, journalName, options);
  const store = await SnapshotStore.open(path, journalName, options);
  const replay = journal.replay();
  const history = manager.changes({ from: 1 });
  const follower = manager.changes({ from: 1, follow: true });
  const waiting = manager.changes({ from: 4, follow: true });
  // Each in the middle of its work; the last one waits for what comes.
  assertEquals((await replay.next()).value?.mutation, "ours 1");
  assertEquals((await history.next()).value?.mutation, "ours 1");
  assertEquals((await follower.next()).value?.mutation, "ours 1");
  assertEquals((await waiting.next()).value?.mutation, "ours 4");
  const rest = async (iterator: AsyncGenerator<{ mutation: unknown }>) => {
    const seen: unknown[] = [];
    for await (const { mutation } of iterator) seen.push(mutation);
    return seen;
  };
  const calls: Record<string, () => Promise<unknown>> = {
    "stateAt()": () => manager.stateAt(3),
    "stateAt() of a snapshot": () => manager.stateAt(2),
    "changes()": () => manager.changes({ from: 1 }).next(),
    "changes() that follows": () => manager.changes({ from: 1, follow: true }).next(),
    "changes() in mid-history": () => rest(history),
    "changes() that follows in mid-history": () => rest(follower),
    "changes() that waits": () => waiting.next(),
    "backup()": () => manager.backup(`${path}-backup`),
    "replay()": () => journal.replay().next(),
    "replay() from the middle": () => journal.replay({ from: 3 }).next(),
    "replay() in mid-history": () => rest(replay),
    "restore()": () => store.restore(),
    "exists()": () => store.exists(),
  };
  const close = async () => {
    for (const opened of [manager, journal, store]) await opened.close();
  };
  return { calls, close };
}

const [STATE, AWAY, OTHER] = ["/data/state", "/data/away", "/data/other"];

for (const [what, replace] of Object.entries(replacements)) {
  test(`a reader whose directory was replaced under the same number says so: ${what}`, async () => {
    for (let index = 0, count = 1; index < count; index++) {
      const disk = new PowerCutDisk();
      disk.plantDirectory("/data");
      await makeState(STATE, "ours", disk);
      await replace(OTHER, disk);
      const { calls, close } = await readersOf(STATE, numberless(disk));
      const [name, call] = Object.entries(calls)[index]!;
      count = Object.keys(calls).length;
      await disk.rename(STATE, AWAY);
      await disk.rename(OTHER, STATE);
      const before = disk.paths(STATE);
      const error = await assertFails(call, gone);
      assertEquals([name, error.path], [name, STATE]);
      assertEquals([disk.paths(STATE), disk.paths("/data/state-backup")], [before, []], name);
      // Final, also when the former directory comes back.
      await disk.rename(STATE, OTHER);
      await disk.rename(AWAY, STATE);
      const isOver = name.includes("in mid-history") || name === "changes() that waits";
      if (!isOver) await assertFails(call, gone);
      await close();
    }
  });
}

test("a reader whose directory was removed and recreated reads nothing there", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  await makeState(path, "ours");
  const { calls, close } = await readersOf(path, await detectFs());
  const { ino } = await stat(path);
  // Most file systems reuse the number at once; on the others, a new number reveals it.
  for (let attempt = 0; attempt < 20; attempt++) {
    await rm(path, { recursive: true });
    await mkdir(path);
    if ((await stat(path)).ino === ino) break;
  }
  await makeState(path, "theirs");
  for (const call of Object.values(calls)) await assertFails(call, gone);
  await close();
});
