// Tests `open` of a directory without a state: it is made and reported, or refused and left unchanged with `create: false`.

import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type DurableFs, IoError, NoStateError, StateManager } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { detectFs } from "../../runtime/detect.ts";
import { assertFails, type Failure } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { counter, journalName, openCounter } from "../support/samples.ts";
import { systemError } from "../support/wrapped_fs.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";

type Opener = (
  directory: string,
  options: { create?: boolean; readOnly?: boolean; fs?: DurableFs },
) => Promise<AsyncDisposable>;

const openers: Record<string, Opener> = {
  "StateManager.open()": (directory, options) =>
    StateManager.open(directory, journalName, counter, options),
  "Journal.open()": (directory, options) => Journal.open(directory, journalName, options),
  "SnapshotStore.open()": (directory, options) =>
    SnapshotStore.open(directory, journalName, options),
};

const noState: Omit<Failure, "says"> = { error: NoStateError, code: "NO_STATE" };

/** Every name below a directory. */
async function everything(directory: TemporaryDirectory): Promise<string[]> {
  return (await readdir(directory.path, { recursive: true })).sort();
}

const empties: Record<string, (state: string) => Promise<unknown>> = {
  "is empty": (state) => mkdir(state),
  "holds a lock alone": async (state) => {
    await mkdir(state);
    await writeFile(`${state}/ministate.lock`, "");
  },
  "holds what was set aside": (state) => mkdir(`${state}/quarantine`, { recursive: true }),
  "holds a file that was never finished": async (state) => {
    await mkdir(state);
    await writeFile(`${state}/${fileName("wal", 1)}.tmp`, "");
  },
  "holds files of others": async (state) => {
    await mkdir(`${state}/lost+found`, { recursive: true });
    await writeFile(`${state}/._${fileName("wal", 1)}`, "");
  },
};

for (const [call, open] of Object.entries(openers)) {
  test(`${call} with create: false refuses a directory that is missing, and creates nothing`, async () => {
    await using directory = await temporaryDirectory();
    for (const path of [directory.join("state"), directory.join("deep", "er", "state")]) {
      for (const readOnly of [false, true]) {
        const says = /^There is no directory ".*state"\. Nothing was created: .*mounted/;
        const error = await assertFails(() => open(path, { create: false, readOnly }), {
          ...noState,
          says,
        });
        assertEquals([error.path, error.systemCode], [path, "ENOENT"]);
        assertEquals(await everything(directory), []);
      }
    }
  });

  for (const [title, make] of Object.entries(empties)) {
    test(`${call} with create: false refuses a directory that ${title}, and changes nothing`, async () => {
      await using directory = await temporaryDirectory();
      const path = directory.join("state");
      await make(path);
      const before = await everything(directory);
      for (const readOnly of [false, true]) {
        const says =
          /holds no state: no file in it is a segment or a snapshot\. Nothing was created/;
        await assertFails(() => open(path, { create: false, readOnly }), { ...noState, says });
        assertEquals(await everything(directory), before);
      }
      // Without it, a state is made, as it always was.
      await (await open(path, { create: true }))[Symbol.asyncDispose]();
    });
  }

  test(`${call} with create: false opens an existing state, and releases one it refuses`, async () => {
    await using directory = await temporaryDirectory();
    const path = directory.join("state");
    await assertFails(() => open(path, { create: false }), { ...noState, says: /mounted/ });
    {
      await using manager = await openCounter(path);
      await manager.apply({ by: 1 });
      await manager.createSnapshot();
    }
    await (await open(path, { create: false }))[Symbol.asyncDispose]();
    await (await open(path, { create: false, readOnly: true }))[Symbol.asyncDispose]();
    // One of the two kinds of file is enough.
    await rm(`${path}/${fileName("wal", 1)}`);
    await (await open(path, { create: false }))[Symbol.asyncDispose]();
  });

  test(`${call} with create: false reports anything else as it does without`, async () => {
    await using directory = await temporaryDirectory();
    await writeFile(directory.join("file"), "");
    await assertFails(() => open(directory.join("file"), { create: false }), {
      error: IoError,
      code: "IO_FAILED",
      says: /ENOTDIR/,
    });
    await writeFile(directory.join("other-0000000000000001.wal.jsonl"), "");
    for (const create of [true, false]) {
      const error = await open(directory.path, { create }).then(() => null, (error) => error);
      assertEquals(error.code, "FOREIGN_FORMAT");
    }
  });
}

for (const [call, open] of Object.entries(openers)) {
  /** Opens a state that vanishes in the moment before the lock is taken (or before a reader looks which place it is). */
  const openVanishing = async (path: string, vanish: () => Promise<void>, readOnly: boolean) => {
    const runtimeFs = await detectFs();
    let looked = false;
    const fs: DurableFs = {
      ...runtimeFs,
      async list(path) {
        const entries = await runtimeFs.list(path);
        if (!looked) await vanish();
        looked = true;
        return entries;
      },
    };
    return await open(path, { create: false, readOnly, fs });
  };

  for (const readOnly of [false, true]) {
    const how = readOnly ? " and readOnly" : "";

    test(`${call} with create: false${how} creates no state in the directory below one that was unmounted`, async () => {
      await using directory = await temporaryDirectory();
      const path = directory.join("state");
      await (await openCounter(path)).close();
      const unmount = async () => {
        await rename(path, directory.join("unmounted"));
        await mkdir(path);
      };
      const says = /held a state a moment ago.*unmounted.*perhaps an empty lock file/;
      await assertFails(() => openVanishing(path, unmount, readOnly), { ...noState, says });
      assertEquals(await readdir(path), readOnly ? [] : ["ministate.lock"]);
      // The lock is free.
      await (await openCounter(path)).close();
    });

    test(`${call} with create: false${how} creates no directory in place of one that was removed`, async () => {
      await using directory = await temporaryDirectory();
      const path = directory.join("state");
      await (await openCounter(path)).close();
      const remove = () => rm(path, { recursive: true });
      const says = /^There is no directory ".*state"\. Nothing was created/;
      await assertFails(() => openVanishing(path, remove, readOnly), { ...noState, says });
      assertEquals(await everything(directory), []);
    });
  }

  test(`${call} with create: false reports other missing files as they are`, async () => {
    await using directory = await temporaryDirectory();
    await (await openCounter(directory.path)).close();
    const refuse = () => Promise.reject(systemError("ENOENT"));
    const fs = { ...await detectFs(), lock: refuse };
    const wanted = { error: IoError, code: "IO_FAILED", says: /^Cannot lock/ };
    await assertFails(() => open(directory.path, { create: false, fs }), wanted);
  });
}

test("recovery.created is true only when a new state was created", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  const open = { manager: openCounter, journal: (p: string) => Journal.open(p, journalName) };
  for (const opener of [open.manager, open.journal]) {
    for (const created of [true, false, false]) {
      await using opened = await opener(path);
      assertEquals(opened.recovery.created, created);
    }
    await rm(path, { recursive: true });
  }
  await mkdir(path);
  {
    await using reader = await openCounter(path, { readOnly: true });
    assertEquals(reader.recovery.created, false, "a reader makes nothing");
  }
  {
    await using store = await SnapshotStore.open<{ value: number }>(path, journalName);
    await store.create(3, { value: 7 });
  }
  // Its journal is lost, but there was a state.
  await using manager = await openCounter(path, { onCorruption: "quarantine" });
  assertEquals([manager.recovery.created, manager.state.value], [false, 7]);
});
