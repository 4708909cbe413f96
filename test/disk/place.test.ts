// Tests that a manager touches only the directory whose lock it holds, whatever its path means later.

import {
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  DirectoryGoneError,
  type DurableFs,
  type FileIdentity,
  IoError,
  LockedError,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { detectFs } from "../../runtime/detect.ts";
import { assertFails } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { countOpenFiles } from "../support/open_files.ts";
import { systemError } from "../support/wrapped_fs.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const gone = {
  error: DirectoryGoneError,
  code: "DIRECTORY_GONE",
  says: /Nothing was done under that path since\. .*close, and open again$/,
};

/** Every file of a directory with its bytes. */
async function contentOf(path: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isFile()) content[entry.name] = await readFile(`${path}/${entry.name}`, "utf8");
  }
  return content;
}

/** Closes a manager whose directory is gone, which reports it once more. */
async function closeGone(manager: { close(): Promise<void> }): Promise<void> {
  await assertFails(() => manager.close(), gone);
}

test("a relative directory stays the one that was opened when the working directory changes", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("b"));
  const here = process.cwd();
  try {
    process.chdir(directory.join("b"));
    {
      await using other = await openLedger("state");
      await other.apply("theirs");
    }
    process.chdir("..");
    // The file system is loaded before the path is looked at, and the program is elsewhere by then.
    const opening = openLedger("state");
    process.chdir("b");
    const manager = await opening;
    await manager.apply("ours");
    await manager.compact();
    await manager.apply("ours too");
    await manager.compact();
    assertEquals(manager.stateDir, directory.join("state"));
    await manager.close();
    await using other = await openLedger("state");
    assertEquals(other.snapshot(), { entries: ["theirs"] });
  } finally {
    process.chdir(here);
  }
  await using manager = await openLedger(directory.join("state"));
  assertEquals(manager.snapshot(), { entries: ["ours", "ours too"] });
});

/** What can be done by name, each of which must be refused. */
const steps: Record<string, (manager: Awaited<ReturnType<typeof openLedger>>) => Promise<unknown>> =
  {
    "createSnapshot()": (manager) => manager.createSnapshot(),
    "compact()": (manager) => manager.compact(),
    "stateAt()": (manager) => manager.stateAt(1),
    "backup()": (manager) => manager.backup(`${manager.stateDir}-backup`),
    "changes()": (manager) => manager.changes({ from: 1 }).next(),
    "apply() that begins a new segment": (manager) => manager.apply("x".repeat(70_000)),
  };

for (const [step, run] of Object.entries(steps)) {
  test(`${step} does nothing when another directory has taken the path, and the manager doesn't change after that`, async () => {
    await using directory = await temporaryDirectory();
    const [path, moved] = [directory.join("state"), directory.join("moved")];
    {
      await using other = await openLedger(moved);
      for (const mutation of [1, 2, 3]) await other.apply(mutation);
      await other.createSnapshot();
    }
    const manager = await openLedger(path, { segmentSizeMax: 64 * 1024 });
    await manager.apply("ours");
    await rename(path, directory.join("away"));
    await rename(moved, path);
    const before = await contentOf(path);
    const error = await assertFails(() => run(manager), gone);
    assertEquals(error.path, path);
    await assertFails(() => manager.createSnapshot(), gone);
    // Final: also when the former directory comes back.
    await rename(path, moved);
    await rename(directory.join("away"), path);
    await assertFails(() => manager.apply("more"), gone);
    await closeGone(manager);
    assertEquals(await contentOf(moved), before);
    // A backup makes its own directory before it looks at the source.
    const backup = await readdir(`${path}-backup`).catch(() => []);
    assertEquals(backup.filter((name) => name !== "ministate.lock"), []);
    await using again = await openLedger(path);
    assertEquals(again.snapshot(), { entries: ["ours"] });
  });
}

test("apply() acknowledges nothing more when the directory was removed", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  const manager = await openLedger(path);
  await manager.apply("before");
  await rm(path, { recursive: true });
  await assertFails(() => manager.apply("after"), gone);
  await assertFails(() => manager.apply("again"), gone);
  assertEquals(manager.sequence, 1);
  await closeGone(manager);
  // The lock is released.
  await using again = await openLedger(path);
  assertEquals(again.snapshot(), { entries: [] });
});

test("close() rejects when the directory was removed or replaced since, and releases the lock", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  const manager = await openLedger(path);
  await manager.apply("acknowledged");
  await rename(path, directory.join("away"));
  await closeGone(manager);
  await manager.close();
  const journal = await Journal.open(path, journalName);
  await rm(path, { recursive: true });
  await closeGone(journal);
  const store = await SnapshotStore.open(path, journalName);
  await rm(path, { recursive: true });
  await closeGone(store);
  await using moved = await openLedger(directory.join("away"));
  assertEquals(moved.snapshot(), { entries: ["acknowledged"] });
});

test("a removed lock file lets no second writer in, and is noticed", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  const manager = await openLedger(path);
  await unlink(`${path}/ministate.lock`);
  await assertFails(() => openLedger(path), {
    error: LockedError,
    code: "LOCKED",
    says: /already open for writing in this process/,
  });
  await assertFails(() => manager.createSnapshot(), gone);
  await assertFails(() => manager.apply(1), gone);
  await closeGone(manager);
});

/** What can happen to the place of an open state, and what is said of it. */
const moves: Record<string, [(state: string) => Promise<unknown>, RegExp]> = {
  "moved away": [
    (state) => rename(state, `${state}-away`),
    /^The state directory ".*state" is no longer there: it was moved or removed, or its file system was unm/,
  ],
  "removed": [
    (state) => rm(state, { recursive: true }),
    /^The state directory .* is no longer there/,
  ],
  "replaced by another directory": [
    async (state) => {
      await rename(state, `${state}-away`);
      await mkdir(state);
    },
    /^The state directory ".*state" is not the one that was opened: something else took its place, or .*mounted/,
  ],
  "replaced by a file": [
    async (state) => {
      await rename(state, `${state}-away`);
      await writeFile(state, "");
    },
    /^The state directory ".*state" is not the one that was opened: something else took its place/,
  ],
  "cut off by a file in its path": [
    async (state) => {
      await rename(dirname(state), `${dirname(state)}-away`);
      await writeFile(dirname(state), "");
    },
    /^The state directory ".*state" can no longer be reached: a file stands where its path needs a dir/,
  ],
  "cut off by links that lead in a circle": [
    async (state) => {
      await rename(dirname(state), `${dirname(state)}-away`);
      await symlink(dirname(state), dirname(state));
    },
    /^The state directory ".*state" can no longer be reached: symbolic links in its path lead in a circle/,
  ],
  "left without its lock file": [
    (state) => unlink(`${state}/ministate.lock`),
    /^The lock file ".*state\/ministate\.lock" was removed while it was locked\. .*The directory is still the one that was opened, and what was acknowledged is in it/,
  ],
  "given another lock file": [
    async (state) => {
      await rename(`${state}/ministate.lock`, `${state}/old.lock`);
      await writeFile(`${state}/ministate.lock`, "");
    },
    /^The lock file ".*state\/ministate\.lock" was replaced while it was locked\. .*The directory is still the one/,
  ],
};

const openers: ((path: string) => Promise<{ close(): Promise<void> }>)[] = [
  openLedger,
  (path) => Journal.open(path, journalName),
  (path) => SnapshotStore.open(path, journalName),
];

for (const [what, [move, says]] of Object.entries(moves)) {
  test(`a manager says what happened when its directory was ${what}, and so do a journal and a store`, async () => {
    for (const open of openers) {
      await using directory = await temporaryDirectory();
      await mkdir(directory.join("above"));
      const path = directory.join("above", "state");
      const opened = await open(path);
      await move(path);
      await assertFails(() => opened.close(), { ...gone, says });
    }
  });
}

test("a manager says where the mutations are that were acknowledged after its directory was moved", async () => {
  await using directory = await temporaryDirectory();
  const [path, moved] = [directory.join("state"), directory.join("moved")];
  const manager = await openLedger(path);
  await manager.apply("before");
  await rename(path, moved);
  await manager.apply("after");
  const says =
    /Nothing was done under that path since\. Mutations acknowledged after a move are in the moved directory: find it/;
  await assertFails(() => manager.compact(), { ...gone, says });
  await closeGone(manager);
  await using found = await openLedger(moved);
  assertEquals(found.snapshot(), { entries: ["before", "after"] });
});

test("a manager says so when its directory is gone from the server of a network file system", async () => {
  await using directory = await temporaryDirectory();
  const runtimeFs = await detectFs();
  let isStale = false;
  const fs = {
    ...runtimeFs,
    identity: (path: string) =>
      isStale ? Promise.reject(systemError("ESTALE")) : runtimeFs.identity(path),
  };
  const manager = await openLedger(directory.path, { fs });
  isStale = true;
  const says =
    /^The state directory ".*" is gone from the server of this network file system\. Nothing/;
  assertEquals(
    (await assertFails(() => manager.compact(), { ...gone, says })).systemCode,
    "ESTALE",
  );
  await closeGone(manager);
});

test("a manager says what a removed segment means for what was acknowledged", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path);
  await manager.apply(1);
  await unlink(directory.join(fileName("wal", 1)));
  const says =
    /^".*wal\.jsonl" was removed while it was being written.* only in the memory of this program/;
  await assertFails(() => manager.apply(2), { ...gone, says });
  assertEquals(manager.snapshot(), { entries: [1] });
  await closeGone(manager);
});

/** The running runtime's file system, whose looks at a path are answered by `look`. */
async function lookingBy(look: (path: string, fs: DurableFs) => Promise<FileIdentity>) {
  const fs = await detectFs();
  return { ...fs, identity: (path: string) => look(path, fs) };
}

test("a file system that answers later has its lock file and its segments checked as well", async () => {
  const steps = { "ministate.lock": "compact", [fileName("wal", 1)]: "apply" } as const;
  for (const [name, step] of Object.entries(steps)) {
    await using directory = await temporaryDirectory();
    const fs = await lookingBy(async (path, fs) => await fs.identity(path));
    const manager = await openLedger(directory.path, { fs });
    await manager.apply(1);
    await unlink(directory.join(name));
    const says = new RegExp(`${name}" was removed while it was (locked|being written)`);
    await assertFails(() => step === "apply" ? manager.apply(2) : manager.compact(), {
      ...gone,
      says,
    });
    await closeGone(manager);
  }
});

test("a removed segment reveals that its directory is gone, whenever the file system answers", async () => {
  const later = await lookingBy(async (path, fs) => await fs.identity(path));
  for (const fs of [await detectFs(), later]) {
    await using directory = await temporaryDirectory();
    const path = directory.join("state");
    const manager = await openLedger(path, { fs });
    await manager.apply(1);
    await rm(path, { recursive: true });
    const says = /^The state directory ".*" is no longer there: it was moved or removed/;
    await assertFails(() => manager.apply(2), { ...gone, says });
    await closeGone(manager);
  }
});

test("a removed segment is reported where the directory can't be checked", async () => {
  await using directory = await temporaryDirectory();
  let fails = false;
  let count = 0;
  const runtimeFs = await detectFs();
  const refused = {
    ...runtimeFs,
    identity(path: string) {
      if (fails) throw systemError("EIO");
      return runtimeFs.identity(path);
    },
  };
  const unsteady = await lookingBy(async (path, fs) => ({
    ...await fs.identity(path),
    inode: ++count,
  }));
  for (const fs of [refused, unsteady]) {
    fails = false;
    const path = directory.join(fs === refused ? "refused" : "unsteady");
    const manager = await openLedger(path, { fs });
    await manager.apply(1);
    await unlink(`${path}/${fileName("wal", 1)}`);
    fails = true;
    const says = /^".*wal\.jsonl" was removed while it was being written/;
    await assertFails(() => manager.apply(2), { ...gone, says });
    await closeGone(manager);
  }
});

test("a segment created after another directory took the path is left there, and not written to", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  const files = countOpenFiles(await detectFs());
  let moves = false;
  const fs: DurableFs = {
    ...files.fs,
    async open(name, mode) {
      if (moves && mode === "create") {
        await rename(path, directory.join("away"));
        await mkdir(path);
      }
      return await files.fs.open(name, mode);
    },
  };
  const manager = await openLedger(path, { fs, segmentSizeMax: 64 * 1024 });
  await manager.apply(1);
  const { open } = files;
  moves = true;
  await assertFails(() => manager.apply("x".repeat(70_000)), gone);
  assertEquals(files.open, open);
  await closeGone(manager);
  assertEquals(files.open, 0);
  assertEquals(Object.values(await contentOf(path)), [""]);
});

test("a backup of hard links that takes the path is another directory, though it has the same lock file", async () => {
  await using directory = await temporaryDirectory();
  const [path, backup] = [directory.join("state"), directory.join("backup")];
  const manager = await openLedger(path);
  await manager.apply(1);
  await mkdir(backup);
  for (const name of await readdir(path)) await link(`${path}/${name}`, `${backup}/${name}`);
  await rename(path, directory.join("away"));
  await rename(backup, path);
  const before = (await readdir(path)).sort();
  await assertFails(() => manager.compact(), gone);
  await assertFails(() => manager.apply(2), gone);
  await closeGone(manager);
  assertEquals((await readdir(path)).sort(), before);
});

test("backup() to a relative path means the directory in which it was called", async () => {
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("elsewhere"));
  await using manager = await openLedger(directory.join("state"));
  await manager.apply(1);
  const here = process.cwd();
  try {
    process.chdir(directory.path);
    const copying = manager.backup("copy");
    process.chdir("elsewhere");
    assertEquals((await copying).directory, directory.join("copy"));
  } finally {
    process.chdir(here);
  }
  assertEquals(await readdir(directory.join("elsewhere")), []);
});

test("backup() refuses a link that leads into the quarantine", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.join("state"));
  await manager.apply(1);
  await mkdir(directory.join("state/quarantine"));
  await symlink("state/quarantine", directory.join("link"));
  await assertFails(() => manager.backup(directory.join("link/copy")), {
    error: IoError,
    code: "IO_FAILED",
    says: /damaged files/,
  });
});

test("Journal and SnapshotStore do nothing in a directory that has taken the path", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  const journal = await Journal.open(path, journalName, { segmentSizeMax: 64 * 1024 });
  await journal.append("ours");
  await rename(path, directory.join("away"));
  const store = await SnapshotStore.open<number>(path, journalName);
  const before = await contentOf(path);
  await assertFails(() => journal.append("x".repeat(70_000)), gone);
  await assertFails(() => journal.replay().next(), gone);
  await closeGone(journal);
  assertEquals(await contentOf(path), before);
  await rename(path, directory.join("other"));
  await mkdir(path);
  for (const call of [() => store.create(1, 1), () => store.restore(), () => store.exists()]) {
    await assertFails(call, gone);
  }
  assertEquals(await readdir(path), []);
  await closeGone(store);
});

test("a reader reads nothing from a directory that has taken the path", async () => {
  await using directory = await temporaryDirectory();
  const [path, moved] = [directory.join("state"), directory.join("moved")];
  for (const place of [path, moved]) {
    await using manager = await openLedger(place);
    await manager.apply(place);
    await manager.createSnapshot();
  }
  await using reader = await openLedger(path, { readOnly: true });
  await using journal = await Journal.open(path, journalName, { readOnly: true });
  await using store = await SnapshotStore.open(path, journalName, { readOnly: true });
  await rename(path, directory.join("away"));
  await rename(moved, path);
  const calls: (() => Promise<unknown>)[] = [
    () => reader.stateAt(1),
    () => reader.changes({ from: 1 }).next(),
    () => reader.backup(directory.join("backup")),
    () => journal.replay().next(),
    () => store.restore(),
  ];
  for (const call of calls) await assertFails(call, gone);
  assertEquals(reader.snapshot(), { entries: [path] });
});

test("open() by a link means the directory the link led to, on every run", async () => {
  await using directory = await temporaryDirectory();
  const [one, two, path] = [directory.join("one"), directory.join("two"), directory.join("link")];
  for (const target of [one, two]) {
    await using manager = await openLedger(target);
    await manager.apply(target);
  }
  await symlink("one", path);
  const manager = await openLedger(path);
  assertEquals(manager.stateDir, one);
  await unlink(path);
  await symlink("two", path);
  await manager.apply("more");
  await manager.compact();
  await manager.close();
  await using other = await openLedger(path);
  assertEquals(other.snapshot(), { entries: [two] });
  await using again = await openLedger(one);
  assertEquals(again.snapshot(), { entries: [one, "more"] });
});

test("open() leaves a backup made of hard links unchanged", async () => {
  await using directory = await temporaryDirectory();
  const [path, backup] = [directory.join("state"), directory.join("backup")];
  {
    await using manager = await openLedger(path);
    await manager.apply("kept");
  }
  await mkdir(backup);
  const segment = fileName("wal", 1);
  await link(`${path}/${segment}`, `${backup}/${segment}`);
  const before = await readFile(`${backup}/${segment}`, "utf8");
  {
    await using manager = await openLedger(path);
    assertEquals((await stat(`${path}/${segment}`)).nlink, 1);
    await manager.apply("more");
  }
  assertEquals(await readFile(`${backup}/${segment}`, "utf8"), before);
  await using again = await openLedger(path);
  assertEquals(again.snapshot(), { entries: ["kept", "more"] });
  await using restored = await openLedger(backup);
  assertEquals(restored.snapshot(), { entries: ["kept"] });
});

test("recovery says so when the file system has no stable identities, and the check is off", async () => {
  await using directory = await temporaryDirectory();
  const fs = await detectFs();
  let count = 0;
  const unsteady = {
    ...fs,
    identity: async (path: string) => ({ ...await fs.identity(path), inode: ++count }),
  };
  await using manager = await openLedger(directory.join("state"), { fs: unsteady });
  assertEquals(manager.recovery.placeChecked, false);
  await manager.apply(1);
  await manager.compact();
  assertEquals(manager.snapshot(), { entries: [1] });
});

test("a path that can't be checked fails only that step", async () => {
  await using directory = await temporaryDirectory();
  const fs = await detectFs();
  let fails = false;
  const failing = {
    ...fs,
    identity(path: string) {
      if (fails) throw systemError("EIO");
      return fs.identity(path);
    },
  };
  await using manager = await openLedger(directory.join("state"), { fs: failing });
  await manager.apply(1);
  fails = true;
  const error = await assertFails(() => manager.compact(), {
    error: IoError,
    code: "IO_FAILED",
    says: /Cannot look at .*state/,
  });
  assertEquals(error.systemCode, "EIO");
  assertEquals((await manager.apply(2)).sequence, 2);
  fails = false;
  await manager.compact();
});
