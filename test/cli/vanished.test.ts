// Tests that no command creates a new state in place of one that vanishes while it is being opened.

import { mkdir, readdir, rename } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import type { DurableFs } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { runHere } from "../support/command_in_process.ts";

const commands: Record<string, string[]> = {
  get: [],
  set: ["/a", "2"],
  remove: ["/a"],
  patch: [],
  snapshot: [],
  compact: [],
};

for (const [command, args] of Object.entries(commands)) {
  test(`${command} creates no state in the directory below one that is unmounted after it was found`, async () => {
    await using directory = await temporaryDirectory();
    const path = directory.join("state");
    assertEquals((await runHere(["set", path, "/a", "1"])).code, 0);
    const runtimeFs = await detectFs();
    let looked = false;
    const fs: DurableFs = {
      ...runtimeFs,
      async list(listed) {
        const entries = await runtimeFs.list(listed);
        if (looked) return entries;
        looked = true;
        await rename(path, directory.join("unmounted"));
        await mkdir(path);
        return entries;
      },
    };
    const { code, output, errors } = await runHere([command, path, ...args], { fs });
    assertEquals([code, output], [4, ""], errors);
    assertMatch(errors, /holds no(ne now| state)/);
    assertEquals(await readdir(path), []);
  });
}
