// Tests the helpers that write and close files, on files that fail.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import type { DurableFile } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { closeAfterFailure } from "../../src/disk/close_file.ts";
import { discard, writeFully } from "../../src/disk/file_io.ts";

const encode = (text: string) => new TextEncoder().encode(text);

test("closeAfterFailure() and discard() ignore errors of closing, and rethrow anything that is not an Error", async () => {
  const failing = (thrown: unknown) => ({
    close() {
      throw thrown;
    },
  });
  await closeAfterFailure(failing(new Error("closing fails")));
  const passed = await closeAfterFailure(failing("no error")).catch((thrown) => thrown);
  assertEquals(passed, "no error");
  const fs = await detectFs();
  await discard(fs, failing(new Error("closing fails")) as unknown as DurableFile, "/nowhere");
  const discarded = await discard(fs, failing("no error") as unknown as DurableFile, "/nowhere")
    .catch((thrown) => thrown);
  assertEquals(discarded, "no error");
});

test("writeFully() fails with ENOSPC when a device takes nothing and reports nothing", async () => {
  const file = { write: () => 0 } as unknown as DurableFile;
  const error = await assertRejects(async () => await writeFully(file, encode("text"), 0));
  assertEquals((error as { code?: string }).code, "ENOSPC");
});
