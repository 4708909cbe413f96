// Tests a newest segment shared with a backup of hard links, when the copy that should replace it can't be made.

import { link, mkdir, readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { fileName } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const segment = fileName("wal", 1);

/** A state with one mutation, whose segment has a second name in another directory. */
async function shared(directory: TemporaryDirectory): Promise<{ path: string; backup: string }> {
  const path = directory.join("state");
  await openLedger(path).then((manager) => manager.apply("kept").then(() => manager.close()));
  await mkdir(directory.join("backup"));
  const backup = directory.join("backup", segment);
  await link(`${path}/${segment}`, backup);
  return { path, backup };
}

test("open() fails, and changes nothing, when a shared segment can't be replaced by its copy", async () => {
  await using directory = await temporaryDirectory();
  const { path, backup } = await shared(directory);
  const before = await readFile(backup, "utf8");
  const fs = await wrapFs(({ name, path }) => {
    if (name === "rename" && path.endsWith(segment)) throw systemError("EACCES");
  });
  const error = await assertRejects(() => openLedger(path, { fs }), IoError);
  assertEquals([error.systemCode, await readFile(backup, "utf8")], ["EACCES", before]);
  await using manager = await openLedger(path);
  assertEquals(manager.snapshot(), { entries: ["kept"] });
});

test("open() adds to a shared segment when the disk is too full for a copy", async () => {
  await using directory = await temporaryDirectory();
  const { path, backup } = await shared(directory);
  const fs = await wrapFs(({ name, path }) => {
    if (name === "write" && path.endsWith(`${segment}.tmp`)) throw systemError("ENOSPC");
  });
  {
    await using manager = await openLedger(path, { fs });
    await manager.apply("more");
    assertEquals((await stat(backup)).nlink, 2);
  }
  assert((await readFile(backup, "utf8")).includes('[2,"more"'));
});

test("open() adds nothing to a segment of which a backup holds the second name", async () => {
  await using directory = await temporaryDirectory();
  const { path, backup } = await shared(directory);
  const before = await readFile(backup, "utf8");
  {
    await using manager = await openLedger(path);
    await manager.apply("more");
  }
  assertEquals(await readFile(backup, "utf8"), before);
});
