// Tests reading a journal segment by segment while its files are deleted, grow, or belong to another journal.

import { rename } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { DirectoryGoneError, IoError } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { listState } from "../../src/disk/list_state.ts";
import { FileSource } from "../../src/journal/file_source.ts";
import { JournalCursor } from "../../src/journal/journal_cursor.ts";
import { JournalFiles } from "../../src/journal/journal_files.ts";
import { assertFails } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { makeHistory, makeSegments } from "../support/three_segments.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const wal = (sequence: number) => fileName("wal", sequence);

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

test("JournalCursor returns what was added to its segment before the next one was begun", async () => {
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

test("JournalCursor without a manager ends when another journal has taken the place", async () => {
  await using directory = await temporaryDirectory();
  const [state, other] = [directory.join("state"), directory.join("other")];
  await makeHistory(state);
  await makeHistory(other, "theirs");
  const fs = await detectFs();
  const files = new JournalFiles(fs, () => listState(fs, state, "test"));
  assertEquals(files.id, null);
  // As "log --follow": the file stays open between reads.
  const cursor = new JournalCursor(files, 5, () => null, { beside: true });
  assertEquals((await cursor.read())?.map(({ mutation }) => mutation), ["ours 5", "ours 6"]);
  assertEquals(await cursor.read(), null);
  await rename(state, directory.join("away"));
  await rename(other, state);
  assertEquals(await cursor.read(), null);
  const source = new FileSource(cursor, { follow: true, attempts: 5, turns: null });
  const error = await assertFails(() => source.fetch(), {
    error: DirectoryGoneError,
    code: "DIRECTORY_GONE",
    says: /not the one that was opened/,
  });
  assertEquals(error.path, state);
  await cursor.close();
});
