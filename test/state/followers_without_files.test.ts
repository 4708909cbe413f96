// Tests changes() when files can't be opened, are removed, or belong to another journal.

import { copyFile, rm } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  CorruptionError,
  DirectoryGoneError,
  ForeignFormatError,
  HistoryGoneError,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { detectFs } from "../../runtime/detect.ts";
import { badDisk } from "../support/bad_disk.ts";
import { assertFails } from "../support/errors.ts";
import { fileName, rewrite } from "../support/files.ts";
import { countOpenFiles } from "../support/open_files.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { ioFailure, makeHistory } from "../support/three_segments.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

test("changes() of another process's journal survives a moment in which no file can be opened", async () => {
  await using directory = await temporaryDirectory();
  await using writer = await openLedger(directory.path);
  await writer.applyAll([1, 2]);
  let refusals = 0;
  const fs = await wrapFs(({ name }) => {
    if (name === "open" && refusals-- > 0) throw systemError("EMFILE");
  });
  await using reader = await openLedger(directory.path, { readOnly: true, fs });
  const changes = reader.changes({ from: 2, follow: true });
  assertEquals((await changes.next()).value?.mutation, 2);
  // As it comes back to its place in the file.
  refusals = 1;
  await writer.apply(3);
  assertEquals([(await changes.next()).value?.mutation, refusals < 0], [3, true]);
  refusals = Infinity;
  await writer.apply(4);
  const error = await assertFails(() => changes.next(), ioFailure("EMFILE"));
  assertEquals(error.systemCode, "EMFILE");
});

test("changes() that ends while it waits for its turn at the disk reads nothing", async () => {
  await using directory = await temporaryDirectory();
  let isHeld = false;
  let letGo = () => {};
  const held = new Promise<void>((resolve) => letGo = resolve);
  const files = countOpenFiles(
    await wrapFs(async ({ name }) => {
      if (isHeld && name === "read") await held;
    }),
  );
  await using manager = await openLedger(directory.path, { fs: files.fs });
  await manager.apply(1);
  const { open, opens } = files;
  isHeld = true;
  const followers = Array.from({ length: 17 }, () => manager.changes({ from: 1 }));
  const nexts = followers.map((changes) => changes.next());
  await until(() => files.open === open + 16);
  await followers[16]!.return();
  letGo();
  const seen = (await Promise.all(nexts)).map(({ value }) => value?.sequence);
  assertEquals(seen, [...Array.from({ length: 16 }, () => 1), undefined]);
  await until(() => files.open === open);
  assertEquals(files.opens, opens + 16);
});

test("changes() of a writer says so when every segment was removed and a snapshot is left", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path, { compaction: "manual" });
  await manager.apply(1);
  await manager.createSnapshot();
  for (const sequence of [1, 2]) await rm(directory.join(fileName("wal", sequence)));
  const error = await assertFails(() => manager.changes({ from: 1 }).next(), {
    error: HistoryGoneError,
    code: "HISTORY_GONE",
    says: /no longer has any segments, and 1 was asked for/,
  });
  assertEquals(error.sequence, 1);
  // What was being written no longer has a name.
  await assertFails(() => manager.close(), {
    error: DirectoryGoneError,
    code: "DIRECTORY_GONE",
    says: /was removed while it was being written/,
  });
});

test("a segment of another journal among ours is reported, and the directory stays ours", async () => {
  await using directory = await temporaryDirectory();
  const [state, other] = [directory.join("state"), directory.join("other")];
  await makeHistory(state);
  await makeHistory(other, "theirs");
  await using manager = await openLedger(state, { compaction: "manual" });
  await using reader = await openLedger(state, { readOnly: true });
  await using journal = await Journal.open(state, journalName, { readOnly: true });
  const stranger = `${state}/${fileName("wal", 3)}`;
  await copyFile(`${other}/${fileName("wal", 3)}`, stranger);
  await rm(`${state}/${fileName("snapshot", 4)}`);
  const seen: unknown[] = [];
  const calls: (() => Promise<unknown>)[] = [
    () => manager.changes({ from: 3 }).next(),
    () => manager.stateAt(3),
    () => reader.changes({ from: 3 }).next(),
    () => reader.changes({ from: 3, follow: true }).next(),
    () => reader.stateAt(6),
    async () => {
      for await (const { mutation } of journal.replay()) seen.push(mutation);
    },
  ];
  for (const call of calls) {
    const error = await assertFails(call, {
      error: ForeignFormatError,
      code: "FOREIGN_FORMAT",
      says: /belongs to another journal/,
    });
    assertEquals(error.path, stranger);
  }
  assertEquals(seen, ["ours 1", "ours 2"]);
  assertEquals(await reader.stateAt(2), { entries: ["ours 1", "ours 2"] });
  assertEquals((await manager.apply("ours 7")).sequence, 7);
});

test("a journal whose headers can't be read is not reported as gone", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply(1);
  const base = await detectFs();
  const bad = { part: fileName("wal", 1), code: "EIO", times: 0 };
  const { fs } = badDisk(base, bad);
  await using reader = await openLedger(directory.path, { readOnly: true, fs });
  bad.times = Infinity;
  await assertFails(() => reader.stateAt(1), ioFailure("EIO"));
  bad.times = 0;
  await rewrite(directory.join(fileName("wal", 1)), (text) => text.replace("journal", "journey"));
  await assertFails(() => reader.stateAt(1), {
    error: CorruptionError,
    code: "CORRUPT",
    says: /damaged in its first line/,
  });
  await rewrite(directory.join(fileName("wal", 1)), () => '{"photos":12}\n');
  await assertFails(() => reader.stateAt(1), {
    error: DirectoryGoneError,
    code: "DIRECTORY_GONE",
    says: /none of its files is of the journal that was there/,
  });
});
