// Tests that files of a newer format fail with TOO_NEW, whatever else is in the directory.

import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertRejects } from "@std/assert";
import { TooNewError } from "@ministate/ministate";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { detectFs } from "../../runtime/detect.ts";
import { listState } from "../../src/disk/list_state.ts";
import { JournalCursor } from "../../src/journal/journal_cursor.ts";
import { JournalFiles } from "../../src/journal/journal_files.ts";
import { readSegmentFacts } from "../../src/recovery/segment_facts.ts";
import { controlLine, fileName, rewrite, segmentHeader, snapshotHeader } from "../support/files.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { makeSegments } from "../support/three_segments.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const wal = (sequence: number) => fileName("wal", sequence);

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
  // A newer segment is not a damaged one, whatever precedes it.
  await assertRejects(() => readSegmentFacts(fs, files.segments[0]!), TooNewError);
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
