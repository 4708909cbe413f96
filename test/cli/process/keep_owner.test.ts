// Tests who owns the files that the command creates: the directory's owner when root runs it, otherwise the user who runs it.

import fs from "node:fs";
import {
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DirectoryGoneError, LockedError } from "@ministate/ministate";
import { detectFs } from "../../../runtime/detect.ts";
import { keepOwner, type Ownership, systemOwnership } from "../../../cli/process/keep_owner.ts";
import { EXIT } from "../../../cli/exit.ts";
import { fileName } from "../../support/files.ts";
import { openLedger } from "../../support/samples.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/temporary.ts";
import { ministate, ministateWith } from "../../support/command.ts";

const isRoot = process.geteuid!() === 0;

/** A user and a group that belong to nobody: what the service would run as. */
const SERVICE = isRoot
  ? { uid: 61_234, gid: 61_235 }
  : { uid: process.geteuid!(), gid: process.getegid!() };

/** Owner and group of everything below a directory. */
async function owners(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await readdir(path, { recursive: true })) {
    const { uid, gid } = await lstat(`${path}/${name}`);
    found[name] = `${uid}:${gid}`;
  }
  return found;
}

/** Gives a directory, with all that is in it, to the service. */
async function giveAll(path: string): Promise<void> {
  if (!isRoot) return;
  await chown(path, SERVICE.uid, SERVICE.gid);
  for (const name of await readdir(path, { recursive: true })) {
    await chown(`${path}/${name}`, SERVICE.uid, SERVICE.gid);
  }
}

async function assertAllServices(path: string, least: number): Promise<void> {
  const found = await owners(path);
  assert(Object.keys(found).length >= least, Object.keys(found).join(", "));
  for (const [name, owner] of Object.entries(found)) {
    assertEquals(owner, `${SERVICE.uid}:${SERVICE.gid}`, name);
  }
}

async function serviceDirectory(directory: TemporaryDirectory, name: string): Promise<string> {
  const path = directory.join(name);
  await mkdir(path);
  await giveAll(path);
  return path;
}

test("every command that writes leaves files to the owner of the directory", async () => {
  await using directory = await temporaryDirectory();
  const home = await serviceDirectory(directory, "home");
  const state = `${home}/deep/state`;
  const commands = [
    ["set", state, "/a", "1"],
    ["patch", state],
    ["snapshot", state],
    ["remove", state, "/a"],
    ["compact", state],
    ["doctor", state],
    ["backup", state, `${home}/copy`],
  ];
  for (const [command, ...args] of commands) {
    const ended = await ministateWith('{"b":2}\n', command!, ...args);
    assert(command === "doctor" || ended.code === 0, ended.errors);
    await assertAllServices(home, 4);
  }
  assert((await readdir(state)).includes("ministate.lock"));
});

test("repair leaves what it sets aside, and the folder for it, to the owner of the directory", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  {
    await using manager = await openLedger(state);
    for (let i = 0; i < 100; i++) await manager.apply(i);
  }
  await giveAll(state);
  await truncate(`${state}/${fileName("wal", 1)}`, 1000);
  const ended = await ministate("repair", state, "--yes");
  assertEquals(ended.code, 0, ended.output + ended.errors);
  assert((await readdir(`${state}/quarantine`)).length > 0);
  await assertAllServices(state, 4);
});

test("a lock left by root is given to the owner, but a file with content is not", async () => {
  await using directory = await temporaryDirectory();
  const state = await serviceDirectory(directory, "state");
  await writeFile(`${state}/ministate.lock`, "");
  assertEquals((await ministate("set", state, "/a", "1")).code, 0);
  await assertAllServices(state, 2);
  const other = await serviceDirectory(directory, "other");
  await writeFile(`${other}/ministate.lock`, "secret");
  assertEquals((await ministate("set", other, "/a", "1")).code, 0);
  assertEquals((await lstat(`${other}/ministate.lock`)).uid, process.geteuid!());
});

test("the command stays out where the lock file of a running service was removed", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("ministate.lock");
  const lock = (await (await detectFs()).lock(path, directory.path))!;
  await rm(path);
  const { code, errors } = await ministate("set", directory.path, "/a", "1", "--json");
  assertEquals([code, errors.includes("LOCKED")], [EXIT.locked, true], errors);
  await lock.release();
});

test("in the user's own directory, everything belongs to the user", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  assertEquals((await ministate("set", state, "/a", "1")).code, 0);
  const { uid, gid } = await lstat(directory.path);
  for (const [name, owner] of Object.entries(await owners(directory.path))) {
    assertEquals(owner, `${uid}:${gid}`, name);
  }
});

/** A system in which this process is root and the directory is the service's, whoever runs the test. */
function asRoot(change: Partial<fs.Stats> = {}, owner = 1234) {
  const given: number[][] = [];
  const open = new Set<number>();
  const ownership: Ownership = {
    status: async (path) => {
      const status = await systemOwnership.status(path);
      return status === null ? null : Object.assign(status, { uid: owner, gid: owner + 1 });
    },
    open: async (path, flags) => {
      const descriptor = await systemOwnership.open(path, flags);
      open.add(descriptor);
      return descriptor;
    },
    statusOf: async (descriptor) =>
      Object.assign(await systemOwnership.statusOf(descriptor), { uid: 0 }, change),
    give: (_, user, group) => {
      given.push([user, group]);
      return Promise.resolve();
    },
    close: async (descriptor) => {
      open.delete(descriptor);
      await systemOwnership.close(descriptor);
    },
  };
  return { ownership, given, open };
}

test("keepOwner() gives each new file, directory and lock away once, and nothing that existed before", async () => {
  await using directory = await temporaryDirectory();
  const { ownership, given, open } = asRoot();
  const kept = keepOwner(await detectFs(), ownership);
  await (await kept.open(directory.join("file"), "create")).close();
  await kept.makeDirectory(directory.join("folder"));
  await (await kept.lock(directory.join("lock")))!.release();
  assertEquals(given, [[1234, 1235], [1234, 1235], [1234, 1235]]);
  await (await kept.open(directory.join("file"), "read")).close();
  await (await kept.open(directory.join("file"), "write")).close();
  await kept.makeDirectory(directory.join("folder"));
  assertEquals([given.length, open.size], [3, 0]);
  const lock = (await kept.lock(directory.join("lock")))!;
  assertEquals(await kept.lock(directory.join("lock")), null, "who does not get it gives nothing");
  assertEquals(given.length, 4);
  await lock.release();
});

test("the command's lock is on the directory, too: a removed lock file lets no second writer in", async () => {
  await using directory = await temporaryDirectory();
  const kept = keepOwner(await detectFs());
  const manager = await openLedger(directory.path, { fs: kept });
  await manager.apply(1);
  await unlink(directory.join("ministate.lock"));
  await assertRejects(() => openLedger(directory.path), LockedError);
  await assertRejects(() => openLedger(directory.path, { fs: kept }), LockedError);
  await assertRejects(() => manager.close(), DirectoryGoneError);
});

test("keepOwner() leaves alone what may be someone else's, and root's own directories", async () => {
  await using directory = await temporaryDirectory();
  const under = await detectFs();
  const no = () => false;
  const rows = [
    asRoot({ uid: 77 }),
    asRoot({ size: 1 }),
    asRoot({ nlink: 2 }),
    asRoot({ isFile: no }),
    asRoot({}, 0),
  ];
  for (const [i, { ownership, given, open }] of rows.entries()) {
    const kept = keepOwner(under, ownership);
    await (await kept.open(directory.join(`file${i}`), "create")).close();
    await (await kept.lock(directory.join("lock")))!.release();
    assertEquals([given, open.size], [[], 0], String(i));
  }
  // The owner of the directory has put another name of a file there.
  const { ownership, given } = asRoot();
  await writeFile(directory.join("shadow"), "");
  await link(directory.join("shadow"), directory.join("ministate.lock"));
  await (await keepOwner(under, ownership).lock(directory.join("ministate.lock")))!.release();
  assertEquals(given, []);
});

test("keepOwner() locks the directory with the file", async () => {
  await using directory = await temporaryDirectory();
  const under = await detectFs();
  const path = directory.join("lock");
  const lock = (await under.lock(path, directory.path))!;
  await under.remove(path);
  const { ownership, given } = asRoot();
  assertEquals(await keepOwner(under, ownership).lock(path, directory.path), null);
  assertEquals(given, []);
  await lock.release();
});

test("the system's own calls follow no link and fail with its code", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("other"), "");
  await symlink("other", directory.join("link"));
  const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW;
  const error = await assertRejects(() => systemOwnership.open(directory.join("link"), flags));
  assertEquals((error as { code?: string }).code, "ELOOP");
});

test("keepOwner() fails, and holds nothing, when a file can't be given away", async () => {
  await using directory = await temporaryDirectory();
  const { ownership, open } = asRoot();
  const refused = Object.assign(new Error("EPERM"), { code: "EPERM" });
  const kept = keepOwner(await detectFs(), { ...ownership, give: () => Promise.reject(refused) });
  for (
    const call of [
      () => kept.open(directory.join("file"), "create"),
      () => kept.makeDirectory(directory.join("folder")),
      () => kept.lock(directory.join("lock")),
    ]
  ) {
    assertEquals(await assertRejects(async () => void await call()), refused);
    assertEquals(open.size, 0);
  }
  await (await (await detectFs()).lock(directory.join("lock")))!.release();
  const gone = { ...ownership, status: () => Promise.reject(refused) };
  const failing = keepOwner(await detectFs(), gone);
  assertEquals(await assertRejects(() => failing.makeDirectory(directory.join("x"))), refused);
  await assertRejects(() => systemOwnership.status(directory.join("file", "below")));
  const before = fs.promises.stat;
  const notCapable = Object.assign(new Error("Requires read access"), { name: "NotCapable" });
  fs.promises.stat = (() => Promise.reject(notCapable)) as never;
  try {
    assertEquals(await systemOwnership.status(directory.path), null);
  } finally {
    fs.promises.stat = before;
  }
});
