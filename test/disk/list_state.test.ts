// Tests how listing a directory counts files of later editions that it can't read.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { IoError } from "@ministate/ministate";
import { listState } from "../../src/disk/list_state.ts";
import { freshDisk } from "../../simulation/workloads.ts";
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
      assertEquals([...segments, ...snapshots].map((named) => named.name), [name]);
    });
  }

  test(`listState() fails when ${name} can't be opened for a passing reason`, async () => {
    const error = await assertRejects(() => listed(name, "EACCES"), IoError);
    assertEquals(error.systemCode, "EACCES");
  });
}
