// Tests that a lock counts only when its file is still the one under the path, not removed or replaced meanwhile.

import { rename, unlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type DurableFs, IoError, LockedError } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { assertFails } from "../support/errors.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError } from "../support/wrapped_fs.ts";

const NAME = "ministate.lock";
const locked = { error: LockedError, code: "LOCKED", says: /close it first/ };

/** The runtime's own file system; `taken` is called after a lock was taken, `looked` before a path is looked at. */
async function watched(
  { taken, looked }: {
    taken?: (path: string) => Promise<void>;
    looked?: (path: string) => Promise<void>;
  },
): Promise<DurableFs> {
  const fs = await detectFs();
  return {
    ...fs,
    async lock(path, directory) {
      const lock = await fs.lock(path, directory);
      await taken?.(path);
      return lock;
    },
    async identity(path) {
      await looked?.(path);
      return await fs.identity(path);
    },
  };
}

/** What is done once, at the first call for a path that ends so. */
function once(end: string, act: (path: string) => Promise<void>): (path: string) => Promise<void> {
  let done = false;
  return async (path) => {
    if (done || !path.endsWith(end)) return;
    done = true;
    await act(path);
  };
}

const replace = async (path: string) => {
  await writeFile(`${path}.new`, "");
  await rename(`${path}.new`, path);
};

const meanwhile: Record<string, Parameters<typeof watched>[0]> = {
  "removed right after it was locked": { taken: once(NAME, unlink) },
  "removed before its path is looked at": { looked: once(NAME, unlink) },
  "replaced before its path is looked at": { looked: once(NAME, replace) },
};

for (const [what, hooks] of Object.entries(meanwhile)) {
  test(`open() locks the lock file again when it is ${what}`, async () => {
    await using directory = await temporaryDirectory();
    await using manager = await openLedger(directory.path, { fs: await watched(hooks) });
    // By the file that is there now.
    assertEquals(manager.recovery.placeChecked, true);
    const runtimeFs = await detectFs();
    assertEquals(await runtimeFs.lock(directory.join(NAME)), null);
    const { path, operation } = await assertFails(() => openLedger(directory.path), locked);
    assertEquals([path, operation], [directory.join(NAME), "lock"]);
    await manager.compact();
  });
}

test("open() gives up when the lock file is removed each time, and says so", async () => {
  await using directory = await temporaryDirectory();
  const fs = await watched({ taken: unlink });
  const error = await assertFails(() => openLedger(directory.path, { fs }), {
    error: IoError,
    code: "IO_FAILED",
    says:
      /^Cannot lock ".*ministate\.lock": the file is removed each time.*find out what removes it/,
  });
  assertEquals(error.path, directory.join(NAME));
  await using manager = await openLedger(directory.path);
  assertEquals(manager.sequence, 0);
});

for (const end of [NAME, "/state"]) {
  test(`open() releases the lock when "${end}" can't be checked`, async () => {
    await using directory = await temporaryDirectory();
    const path = directory.join("state");
    const fs = await watched({ looked: once(end, () => Promise.reject(systemError("EIO"))) });
    const wanted = { error: IoError, code: "IO_FAILED", says: /^Cannot lock .*EIO/ };
    await assertFails(() => openLedger(path, { fs }), wanted);
    await using manager = await openLedger(path);
    assertEquals(manager.sequence, 0);
  });
}
