// Tests that under Deno the library needs read and write access to the state directory and nothing else.

import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary.ts";

for (const nesting of [[], ["state"], ["a", "b", "state"]]) {
  test(`everything works under Deno with --allow-read=DIR and --allow-write=DIR, ${nesting.length} levels below DIR`, async () => {
    await using directory = await temporaryDirectory();
    const path = directory.join(...nesting);
    const allowed = [`--allow-read=${directory.path}`, `--allow-write=${directory.path}`];
    const printed = await run("deno", "use_everything.ts", [path], allowed);
    assertEquals(printed.sequence, 9);
    assertEquals(printed.backup, 9);
    assertEquals(printed.replayed, [9, 0]);
  });
}

test("everything works under Deno when DIR is missing and may be created", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  const allowed = [`--allow-read=${path}`, `--allow-write=${path}`];
  assertEquals((await run("deno", "use_everything.ts", [path], allowed)).sequence, 9);
});

test("open() under Deno says which access is missing when it has none", async () => {
  await using directory = await temporaryDirectory();
  for (const allowed of [[], [`--allow-read=${directory.path}`]]) {
    const { code, message } = await run("deno", "open_state.ts", [directory.path], allowed);
    assertEquals(code, "IO_FAILED");
    assertStringIncludes(message, "--allow-write");
  }
});
