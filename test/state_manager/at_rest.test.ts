// Tests reading a journal that nobody writes, one with hardly anything in it, and one that disappears while it is read.

import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import {
  CorruptionError,
  type DurableFs,
  HistoryGoneError,
  IoError,
  StateManager,
  TooNewError,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { detectFs } from "../../runtime/detect.ts";
import { JournalCursor } from "../../src/journal/journal_cursor.ts";
import { JournalFiles } from "../../src/journal/journal_files.ts";
import { readSegmentFacts } from "../../src/recovery/segment_facts.ts";
import { listState } from "../../src/disk/list_state.ts";
import {
  checksumOf,
  controlLine,
  fileName,
  rewrite,
  segmentHeader,
  snapshotHeader,
} from "../support/files.ts";
import { journalName, ledger, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const wal = (sequence: number) => fileName("wal", sequence);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("open() read-only creates nothing in an empty directory, and reads nothing from it", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { readOnly: true });
  assertEquals([manager.journalPath, manager.sequence], [directory.path, 0]);
  assertEquals(manager.compactionError, null);
  await using journal = await Journal.open(directory.path, journalName, { readOnly: true });
  assertEquals([journal.path, journal.sequence], [directory.path, 0]);
  assertEquals(await all(journal.replay()), []);
  await using target = await temporaryDirectory();
  const report = await manager.backup(target.join("copy"));
  assertEquals([report.sequence, report.files], [0, 0]);
});

test("replay() gives a journal that is open read-only, in the range asked for", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.applyAll(["a", "b", "c", "d"]);
  await using journal = await Journal.open(directory.path, journalName, { readOnly: true });
  assertEquals(journal.path, manager.journalPath);
  const mutations = async (range: object) =>
    (await all(journal.replay(range))).map(({ mutation }) => mutation);
  assertEquals(await mutations({}), ["a", "b", "c", "d"]);
  assertEquals(await mutations({ from: 2, to: 3 }), ["b", "c"]);
  assertEquals(await mutations({ from: 2, to: 99 }), ["b", "c", "d"]);
  await manager.apply("e");
  assertEquals(await mutations({}), ["a", "b", "c", "d"], "as of the time it was opened");
});

test("stateAt() fails with HISTORY_GONE when the journal no longer reaches so far", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path, { compaction: "manual" });
    for (let i = 1; i <= 4; i++) {
      await manager.apply(i);
      if (i === 2) await manager.createSnapshot();
    }
  }
  await using reader = await openLedger(directory.path, { readOnly: true });
  assertEquals(await reader.stateAt(3), { entries: [1, 2, 3] });
  await rm(directory.join(wal(3)));
  await assertRejects(() => reader.stateAt(3), HistoryGoneError);
  assertEquals(await reader.stateAt(2), { entries: [1, 2] });
});

/** Segments from 1, 3 and 5, each with two mutations, and perhaps a snapshot of sequence 4. */
async function makeSegments(path: string, withSnapshot = false): Promise<void> {
  await using manager = await openLedger(path, { compaction: "manual" });
  for (let i = 1; i <= 6; i++) {
    await manager.apply({ number: i });
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
  await manager.close();
  await rm(`${path}/${fileName("snapshot", 2)}`);
  if (!withSnapshot) await rm(`${path}/${fileName("snapshot", 4)}`);
}

test("JournalCursor gives null when its segment is deleted between listing and opening, and continues later", async () => {
  await using directory = await temporaryDirectory();
  await makeSegments(directory.path);
  const fs = await detectFs();
  const list = () => listState(fs, directory.path, "test");
  const away = directory.join("away");
  let steps: (() => Promise<void>)[] = [() => rename(directory.join(wal(1)), away)];
  const cursor = new JournalCursor(
    new JournalFiles(fs, async () => {
      const files = await list();
      await steps.shift()?.();
      return files;
    }),
    1,
  );
  assertEquals(await cursor.read(), null);
  await rename(away, directory.join(wal(1)));
  assertEquals((await cursor.read())?.map(({ sequence }) => sequence), [1, 2]);
  await cursor.close();
  const refusing = await wrapFs(({ name }) => {
    if (name === "open") throw systemError("EACCES");
  });
  steps = [];
  await assertRejects(
    () => new JournalCursor(new JournalFiles(refusing, list), 1).read(),
    IoError,
    "EACCES",
  );
});

test("JournalCursor gives what its segment grew by before the next one was begun", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path, { compaction: "manual" });
  await manager.apply("a");
  const fs = await detectFs();
  let lists = 0;
  const list = async () => {
    if (++lists === 2) {
      await manager.apply("b");
      await manager.createSnapshot();
      await manager.apply("c");
    }
    return await listState(fs, directory.path, "test");
  };
  const cursor = new JournalCursor(new JournalFiles(fs, list), 1);
  const read = async () => (await cursor.read())?.map(({ mutation }) => mutation) ?? null;
  assertEquals(await read(), ["a"]);
  assertEquals(await read(), ["b"]);
  assertEquals(await read(), ["c"]);
  assertEquals(await read(), null);
  await cursor.close();
  await manager.close();
});

test("backup() leaves out what an interrupted compaction left, and refuses a gap that counts", async () => {
  await using directory = await temporaryDirectory();
  const [kept, gap] = [directory.join("kept"), directory.join("gap")];
  await makeSegments(kept, true);
  await rm(`${kept}/${wal(3)}`);
  await using reader = await openLedger(kept, { readOnly: true });
  const report = await reader.backup(directory.join("copy"));
  assertEquals([report.sequence, report.files], [6, 2], "a snapshot and the segment after it");
  await using copy = await openLedger(directory.join("copy"));
  assertEquals(copy.state.entries.length, 6);
  await makeSegments(gap);
  await using broken = await openLedger(gap, { readOnly: true });
  await rm(`${gap}/${wal(3)}`);
  const error = await assertRejects(() => broken.backup(directory.join("other")), CorruptionError);
  assertEquals(error.sequence, 3);
});

test("backup() fails with the system's error when too many files are open or the target can't be read", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await makeSegments(state, true);
  let refused = "";
  let lists = 0;
  const base = await wrapFs(({ name, path }) => {
    if (name === "read" && refused === "snapshot" && path.includes(".snapshot.")) {
      throw systemError("EMFILE");
    }
  });
  const fs = {
    ...base,
    async list(path: string) {
      // Listed once for leftovers of an interrupted backup, and once for anything else.
      if (refused === "target" && path.endsWith("copy") && ++lists === 2) throw systemError("EIO");
      return await base.list(path);
    },
  };
  await using reader = await openLedger(state, { readOnly: true, fs });
  for (refused of ["snapshot", "target"]) {
    const code = refused === "target" ? "EIO" : "EMFILE";
    await assertRejects(() => reader.backup(directory.join("copy")), IoError, code);
  }
});

test("open() fails with TOO_NEW when an older segment is of a newer format, damaged ones before it or not", async () => {
  await using directory = await temporaryDirectory();
  await makeSegments(directory.path);
  const newer = controlLine({ ...segmentHeader, format: 2, first: 3 });
  await rewrite(directory.join(wal(3)), (text) => newer + text.slice(text.indexOf("\n") + 1));
  for (const onCorruption of ["fail", "quarantine"] as const) {
    await assertRejects(() => openLedger(directory.path, { onCorruption }), TooNewError);
  }
  await rewrite(directory.join(wal(1)), (text) => text.replace('"number":1', '"number":9'));
  for (const onCorruption of ["fail", "quarantine"] as const) {
    await assertRejects(() => openLedger(directory.path, { onCorruption }), TooNewError);
  }
});

test("a reader fails with TOO_NEW when a newer version's files appear", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open<string>(directory.path, journalName);
  await store.create(1, "old");
  const newer = controlLine({ ...snapshotHeader, format: 2, sequence: 2 });
  await writeFile(directory.join(fileName("snapshot", 2)), newer);
  await assertRejects(() => store.restore(), TooNewError);
  await writeFile(directory.join(wal(2)), controlLine({ ...segmentHeader, format: 2, first: 2 }));
  const fs = await detectFs();
  const files = await listState(fs, directory.path, "test");
  await assertRejects(
    () => new JournalCursor(new JournalFiles(fs, () => Promise.resolve(files)), 2).read(),
    TooNewError,
  );
  // It is no damaged segment, whatever comes before it.
  await assertRejects(() => readSegmentFacts(fs, files.segments[0]!), TooNewError);
});

test("restore() skips a snapshot whose lines don't form a state", async () => {
  await using directory = await temporaryDirectory();
  await using store = await SnapshotStore.open<number>(directory.path, journalName);
  const info = await store.create(1, 1);
  await store.create(2, 2);
  await rewrite(directory.join(fileName("snapshot", 2)), (text) => {
    const header = text.slice(0, text.indexOf("\n") + 1);
    return header + controlLine({ end: 0 }, checksumOf(header));
  });
  const restored = await store.restore();
  assertEquals([restored?.state, restored?.sequence, info.sequence], [1, 1, 1]);
});

test("restore() skips a snapshot that ends while it is read", async () => {
  await using directory = await temporaryDirectory();
  const base = await wrapFs(() => {});
  const fs: DurableFs = {
    ...base,
    async open(path, mode) {
      const file = await base.open(path, mode);
      if (mode !== "read" || !path.endsWith(fileName("snapshot", 2))) return file;
      // Two reads long, and the second part is gone by the time it is read.
      return { ...file, size: async () => await file.size() + 10_000_000 };
    },
  };
  await using store = await SnapshotStore.open<string>(directory.path, journalName, { fs });
  await store.create(1, "one");
  await store.create(2, "x".repeat(3_000_000));
  assertEquals((await store.restore())?.state, "one");
});

test("open() fails with TOO_NEW when a snapshot alone is of a newer format", async () => {
  await using directory = await temporaryDirectory();
  await makeSegments(directory.path, true);
  await rewrite(directory.join(fileName("snapshot", 4)), (text) => {
    const header = JSON.parse(text.split("\n")[0]!);
    delete header.crc;
    return controlLine({ ...header, format: 2 }) + text.slice(text.indexOf("\n") + 1);
  });
  await assertRejects(() => openLedger(directory.path), TooNewError);
});

test("open() fails with the system's error when an unfinished file can't be removed", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join(`${wal(9)}.tmp`), "unfinished");
  const fs = await wrapFs(({ name }) => {
    if (name === "remove") throw systemError("EACCES");
  });
  await assertRejects(() => openLedger(directory.path, { fs }), IoError, "EACCES");
});

test("create() works again after one that failed", async () => {
  await using directory = await temporaryDirectory();
  let fails = true;
  const fs = await wrapFs(({ name }) => {
    if (name === "rename" && fails) throw systemError("EIO");
  });
  await using store = await SnapshotStore.open<string>(directory.path, journalName, { fs });
  const failing = store.create(1, "a").catch((error) => error.code);
  const next = store.create(2, "b").catch((error) => error.code);
  assertEquals([await failing, await next], ["IO_FAILED", "IO_FAILED"]);
  fails = false;
  assertEquals((await store.create(3, "c")).sequence, 3);
});

test("createSnapshot() rethrows what initial() throws when a large state is rebuilt", async () => {
  await using directory = await temporaryDirectory();
  let calls = 0;
  const mutator = {
    ...ledger,
    initial() {
      if (++calls > 2) throw new RangeError("no more states");
      return ledger.initial();
    },
  };
  const options = { compaction: "manual" as const };
  await using manager = await StateManager.open(directory.path, journalName, mutator, options);
  calls = 2;
  for (let i = 0; i < 4; i++) await manager.apply("x".repeat(100_000));
  await assertRejects(() => manager.createSnapshot(), RangeError, "no more states");
  calls = 0;
  assertEquals((await manager.createSnapshot()).sequence, 4);
});

test("a failed automatic compaction is reported only by compactionError when nobody listens", async () => {
  await using directory = await temporaryDirectory();
  let fails = false;
  const fs = await wrapFs(({ name, path }) => {
    if (fails && name === "rename" && path.includes(".snapshot.")) throw systemError("EIO");
  });
  await using manager = await openLedger(directory.path, { fs, compactionSize: 64 * 1024 });
  assertEquals(manager.compactionError, null);
  fails = true;
  for (let i = 0; i < 100; i++) await manager.apply("x".repeat(1000));
  // It has begun by then; it fails at its rename, however long that takes.
  await until(() => manager.compactionError !== null);
  assertEquals((manager.compactionError as { code?: string } | null)?.code, "IO_FAILED");
  assertEquals(manager.state.entries.length, manager.sequence);
});

test("a full disk starts no compaction when there is nothing to compact", async () => {
  await using directory = await temporaryDirectory();
  let full = false;
  const opened: string[] = [];
  const fs = await wrapFs(({ name, path }) => {
    if (name === "open") opened.push(path);
    if (full && name === "write") {
      full = false;
      throw systemError("ENOSPC");
    }
  });
  await using manager = await openLedger(directory.path, { fs });
  opened.length = 0;
  full = true;
  await assertRejects(() => manager.apply(1), Error, "the disk is full");
  assertEquals(opened, []);
  assertEquals((await manager.apply(2)).sequence, 1);
});

test("no seal is written once the journal is closing, and nothing after a seal that failed", async () => {
  await using directory = await temporaryDirectory();
  const closing = directory.join("closing");
  let isClosing = false;
  const sleep = () => new Promise((resolve) => setTimeout(resolve, 20));
  // The idle time is over while the seal of close() is being synced.
  const slow = await wrapFs(async ({ name }) => {
    if (isClosing && name === "syncAll") await sleep();
  });
  const manager = await openLedger(closing, { fs: slow, sealAfterIdleMs: 1 });
  const pending = manager.apply("last");
  isClosing = true;
  await manager.close();
  await pending;
  const text = await readFile(manager.journalPath, "utf8");
  assertEquals(text.match(/^\{"seal"/gm)?.length, 1);
  await using again = await openLedger(closing);
  assertEquals([again.recovery.sealed, again.sequence], [true, 1]);

  let fails = false;
  let failures = 0;
  const fs = await wrapFs(({ name }) => {
    if (!fails || name !== "syncAll") return;
    failures++;
    throw systemError("EIO");
  });
  const idle = await openLedger(directory.join("idle"), { fs, sealAfterIdleMs: 1 });
  await idle.apply("first");
  fails = true;
  await until(() => failures > 0);
  fails = false;
  const error = await idle.apply("second").catch((cause) => cause);
  assertEquals([error.code, idle.snapshot()], ["POISONED", { entries: ["first"] }]);
  await idle.close();
});
