// Tests what happens on macOS, where open(2) takes the lock, and on Windows, which is refused.

import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { IoError, StateManager } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { assertFails } from "../support/errors.ts";
import { own, run } from "../support/runtimes.ts";
import { journalName, ledger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("open() takes the lock by O_EXLOCK under Node and Bun on macOS, and gives it back", async () => {
  await using directory = await temporaryDirectory();
  // Deno takes it natively on every system.
  const found = await run(own === "deno" ? "node" : own, "lock_on_open.ts", [directory.path]);
  assertEquals(found, {
    second: "LOCKED",
    left: 0,
    third: "LOCKED",
    entries: 1,
    locked: ["/ministate.lock", ""],
  });
});

test("open() says on Windows that nothing can be promised there", async () => {
  const fs = await detectFs("windows");
  for (const readOnly of [false, true]) {
    const opening = () => StateManager.open("/none", journalName, ledger, { fs, readOnly });
    const says = /Windows can't make a file's name durable.*run the program on Linux/;
    const error = await assertFails(opening, { error: IoError, code: "IO_FAILED", says });
    assertEquals(error.systemCode, "ENOSYS");
  }
});

test("every call of the file system is refused on Windows", async () => {
  const { crc32, ...calls } = await detectFs("windows");
  assertEquals(crc32(new Uint8Array(4), 0), 0);
  for (const call of Object.values(calls) as ((path: string) => Promise<unknown>)[]) {
    assertEquals(await call("a").catch(({ code }) => code), "ENOSYS");
  }
});
