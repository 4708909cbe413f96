// Tests how listing a directory counts files of later editions that it can't read.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { IoError } from "@ministate/ministate";
import { listState } from "../../src/disk/list_state.ts";
import { encodeHeader } from "../../src/format/encode.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { segmentHeader } from "../support/files.ts";
import { badDisk } from "../support/bad_disk.ts";

const DIRECTORY = "/data/state";
const names = ["w-0000000000000004.2.wal.jsonl", "w-0000000000000006.2.snapshot.jsonl"];

/** A directory with one file, which the disk answers with `code` when it is opened. */
function listed(name: string, code: string) {
  const disk = freshDisk();
  disk.plantDirectory(DIRECTORY);
  disk.plant(`${DIRECTORY}/${name}`, new TextEncoder().encode("anything\n"));
  return listState(badDisk(disk, { part: name, code }).fs, DIRECTORY, "w");
}

for (const name of names) {
  for (const code of ["EBADMSG", "ENOENT"]) {
    test(`listState() counts ${name} by its name when the file itself can't be read (${code})`, async () => {
      const { segments, snapshots } = await listed(name, code);
      assertEquals([...segments, ...snapshots].map((file) => file.name), [name]);
    });
  }

  test(`listState() fails when ${name} can't be opened for a passing reason`, async () => {
    const error = await assertRejects(() => listed(name, "EACCES"), IoError);
    assertEquals(error.systemCode, "EACCES");
  });
}

test("listState() opens no file of the first edition, and none that is not of a later one if it knows the journal", async () => {
  const disk = freshDisk();
  disk.plantDirectory(DIRECTORY);
  const first = ["w-0000000000000001.wal.jsonl", "w-0000000000000003.snapshot.jsonl"];
  const opened = async (id: string | null, ...planted: string[]) => {
    for (const name of planted) disk.plant(`${DIRECTORY}/${name}`, new Uint8Array(5));
    const paths: string[] = [];
    const open: typeof disk.open = (path, mode) => (paths.push(path), disk.open(path, mode));
    await listState({ ...badDisk(disk).fs, open }, DIRECTORY, "w", id);
    return new Set(paths.map((path) => path.slice(DIRECTORY.length + 1)));
  };
  assertEquals(await opened(null, ...first), new Set());
  assertEquals(await opened("id", names[0]!), new Set([names[0]!]));
  assertEquals(await opened(null), new Set([...first, names[0]!]));
});

test("listState() lets no file under another name decide whose the directory is", async () => {
  const disk = freshDisk();
  disk.plantDirectory(DIRECTORY);
  const header = (id: string, first: number, more: object = {}) =>
    encodeHeader({ ...segmentHeader, id, first, ...more }, disk.crc32).bytes;
  const plant = (name: string, bytes: Uint8Array) => disk.plant(`${DIRECTORY}/${name}`, bytes);
  plant("w-0000000000000001.wal.jsonl", header("ours", 1));
  plant("w-0000000000000002.wal.jsonl", header("ours", 2));
  plant("w-0000000000000004.2.wal.jsonl", header("ours", 4, { edition: 2, editionFirsts: [4] }));
  // Three of another journal, renamed: they are more, and count for nothing.
  for (const first of [5, 6, 7, 8]) {
    plant(`w-000000000000000${first}.wal.jsonl`, header("theirs", first + 10));
  }
  const { segments, superseded } = await listState(disk, DIRECTORY, "w");
  assertEquals(segments.map(({ sequence }) => sequence), [1, 2, 4]);
  assertEquals(superseded.map(({ sequence }) => sequence), [5, 6, 7, 8]);
});
