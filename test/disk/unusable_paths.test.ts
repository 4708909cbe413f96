// Tests what unusable directories and planted files get: a typed error that names the path, and nothing changed.

import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  CorruptionError,
  DiskFullError,
  IoError,
  MinistateError,
  StateManager,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { assertFails, failureOf } from "../support/errors.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const segmentName = "test-0000000000000001.wal.jsonl";

interface Row {
  title: string;
  /** Makes the obstacle and gives the path to open. */
  path: (directory: TemporaryDirectory) => Promise<string> | string;
  systemCodes: string[];
  says: RegExp;
}

// What is refused to every user, root included, so that the tests say the same wherever they run.
const rows: Row[] = [
  {
    title: "a file",
    path: async (directory) => {
      await writeFile(directory.join("file"), "mine");
      return directory.join("file");
    },
    systemCodes: ["EEXIST", "ENOTDIR"],
    says: /a file/,
  },
  {
    title: "below a file",
    path: async (directory) => {
      await writeFile(directory.join("file"), "mine");
      return directory.join("file", "state");
    },
    systemCodes: ["ENOTDIR", "EEXIST"],
    says: /a file/,
  },
  {
    title: "in a directory of the kernel's",
    path: () => "/proc/self/ministate",
    systemCodes: ["ENOENT", "EACCES", "EPERM", "EROFS"],
    says: /path does not exist|access|read-only/,
  },
  {
    title: "a directory where nobody may create files",
    path: () => "/proc",
    systemCodes: ["ENOENT", "EACCES", "EPERM", "EROFS"],
    says: /path does not exist|access|read-only/,
  },
  {
    title: "a link in a circle",
    path: async (directory) => {
      await symlink("circle", directory.join("circle"));
      return directory.join("circle", "state");
    },
    systemCodes: ["ELOOP", "EEXIST"],
    says: /symbolic link|a file/,
  },
  {
    title: "a name too long for the file system",
    path: (directory) => directory.join("d".repeat(300)),
    systemCodes: ["ENAMETOOLONG"],
    says: /ENAMETOOLONG/,
  },
];

const openers: Record<string, (path: string) => Promise<AsyncDisposable>> = {
  "StateManager.open()": (path) => openLedger(path),
  "Journal.open()": (path) => Journal.open(path, journalName),
  "SnapshotStore.open()": (path) => SnapshotStore.open(path, journalName),
  "StateManager.open() for reading": (path) => openLedger(path, { readOnly: true }),
};

for (const [call, open] of Object.entries(openers)) {
  for (const { title, path, systemCodes, says } of rows) {
    if (call.endsWith("reading") && title.includes("nobody")) continue;
    test(`${call} fails with IoError when the directory is ${title}`, async () => {
      await using directory = await temporaryDirectory();
      const target = await path(directory);
      const before = await readdir(directory.path);
      const reading = call.endsWith("reading");
      const error = await assertFails(() => open(target), {
        error: IoError,
        code: "IO_FAILED",
        says: reading ? /Cannot (open|list)/ : says,
      });
      if (!reading) assert(systemCodes.includes(error.systemCode!), error.systemCode);
      if (!target.startsWith("/proc/self/")) assertStringIncludes(error.path!, target);
      assertEquals(await readdir(directory.path), before);
    });
  }
}

test("open() for reading fails with IoError when the directory is missing, and creates nothing", async () => {
  await using directory = await temporaryDirectory();
  const target = directory.join("missing");
  const error = await assertFails(() => openLedger(target, { readOnly: true }), {
    error: IoError,
    code: "IO_FAILED",
    says: /missing.*does not exist/,
  });
  assertEquals(error.systemCode, "ENOENT");
  assertEquals(await readdir(directory.path), []);
});

test("open() says what to do when the file system is read-only", async () => {
  await using directory = await temporaryDirectory();
  const fs = await wrapFs(({ name }) => {
    if (name === "open") throw systemError("EROFS");
  });
  const error = await assertFails(() => openLedger(directory.path, { fs }), {
    error: IoError,
    code: "IO_FAILED",
    says: /mounted read-only.*open with readOnly/,
  });
  assertEquals(error.systemCode, "EROFS");
  await using manager = await openLedger(directory.path);
  assertEquals((await manager.apply(1)).sequence, 1);
});

test("open() fails with DiskFullError when there is no space to begin, and works once there is", async () => {
  await using directory = await temporaryDirectory();
  let full = true;
  const fs = await wrapFs(({ name }) => {
    if (full && name === "write") throw systemError("ENOSPC");
  });
  await assertFails(() => openLedger(directory.path, { fs }), {
    error: DiskFullError,
    code: "DISK_FULL",
    says: /disk is full.*free some space/,
  });
  full = false;
  await using manager = await openLedger(directory.path, { fs });
  assertEquals((await manager.apply(1)).sequence, 1);
});

/** Makes a state of three mutations and a snapshot of two. */
async function makeState(path: string): Promise<void> {
  await using manager = await openLedger(path);
  await manager.applyAll([1, 2]);
  await manager.createSnapshot();
  await manager.apply(3);
}

for (const name of ["ministate.lock", segmentName, "test-0000000000000003.wal.jsonl"]) {
  for (const kind of ["a link to a file", "a link to nowhere", "a directory"]) {
    test(`open() refuses ${kind} in place of ${name}`, async () => {
      await using directory = await temporaryDirectory();
      const elsewhere = directory.join("elsewhere");
      const state = directory.join("state");
      await mkdir(state);
      if (kind === "a link to a file") await writeFile(elsewhere, "private\n");
      if (kind === "a directory") await mkdir(`${state}/${name}`);
      else await symlink(elsewhere, `${state}/${name}`);
      // In place of a later segment, the gap reveals it: the journal begins with the third record.
      const isLater = name === "test-0000000000000003.wal.jsonl";
      const error = await assertFails(
        () => openLedger(state),
        isLater
          ? { error: CorruptionError, code: "CORRUPT", says: /segments before .* missing/ }
          : {
            error: IoError,
            code: "IO_FAILED",
            says: /symbolic link.*not followed|a directory stands/,
          },
      );
      assertEquals(error.path, isLater ? state : `${state}/${name}`);
      if (kind === "a link to a file") assertEquals(await readFile(elsewhere, "utf8"), "private\n");
      assertEquals(
        (await readdir(directory.path)).includes("elsewhere"),
        kind === "a link to a file",
      );
    });
  }
}

test("open() reads no snapshot through a link, and loses nothing by it", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await makeState(state);
  await symlink(
    `${state}/test-0000000000000002.snapshot.jsonl`,
    `${state}/test-0000000000000003.snapshot.jsonl`,
  );
  const outcome = await failureOf(async () => {
    await using manager = await openLedger(state);
    assertEquals(manager.snapshot(), { entries: [1, 2, 3] });
    assertEquals(manager.recovery.snapshotsSkipped.length, 1);
    throw new Error("opened");
  });
  assert(
    outcome instanceof Error && (outcome.message === "opened" || outcome instanceof MinistateError),
    String(outcome),
  );
});

test("open() accepts a state directory that is itself a link", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.join("state"));
  await symlink(directory.join("state"), directory.join("link"));
  await using manager = await StateManager.open(directory.join("link"), journalName, {
    initial: () => [] as unknown[],
    apply: () => {},
  });
  assertEquals(manager.sequence, 3);
});
