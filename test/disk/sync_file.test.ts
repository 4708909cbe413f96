// Tests that a file opened only for a sync is always closed, and that the error names what failed.

import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { isEmptyFile, sizeOf, syncFile } from "../../src/disk/sync_file.ts";
import { assertFails } from "../support/errors.ts";
import { countOpenFiles } from "../support/open_files.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

test("syncFile() syncs a file by its name, and leaves nothing open when that fails", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("file");
  await writeFile(path, "1234");
  const calls: string[] = [];
  let fails = false;
  const files = countOpenFiles(
    await wrapFs(({ name }) => {
      calls.push(name);
      if (fails && name === "syncAll") throw systemError("EIO");
    }),
  );
  await syncFile(files.fs, path);
  assertEquals([calls, files.open], [["open", "syncAll"], 0]);
  fails = true;
  const wanted = { error: IoError, code: "IO_FAILED", says: /^Cannot sync ".*file": EIO/ };
  assertEquals((await assertFails(() => syncFile(files.fs, path), wanted)).path, path);
  assertEquals(files.open, 0);
  const none = { ...wanted, says: /^Cannot sync ".*none": ENOENT/ };
  await assertFails(() => syncFile(files.fs, directory.join("none")), none);
});

test("sizeOf() and isEmptyFile() look at a file by its name", async () => {
  await using directory = await temporaryDirectory();
  const files = countOpenFiles(await wrapFs(() => {}));
  for (const text of ["", "1234"]) {
    await writeFile(directory.join("file"), text);
    assertEquals(await sizeOf(files.fs, directory.join("file")), text.length);
    assertEquals(await isEmptyFile(files.fs, directory.join("file")), text === "");
  }
  const wanted = { error: IoError, code: "IO_FAILED", says: /^Cannot read ".*none": ENOENT/ };
  await assertFails(() => isEmptyFile(files.fs, directory.join("none")), wanted);
  assertEquals(files.open, 0);
});
