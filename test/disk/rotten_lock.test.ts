// Tests that a lock file which can no longer be opened doesn't prevent opening: only the directory is locked.

import { mkdir, readdir, rename } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { DirectoryGoneError, IoError, LockedError } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { detectFs } from "../../runtime/detect.ts";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { badDisk } from "../support/bad_disk.ts";
import { assertFails } from "../support/errors.ts";
import { canMountImages, Ext4Image } from "../support/ext4_image.ts";
import { lockFileRefused } from "../support/rotten_lock.ts";
import { run, type Runtime, runtimes, start } from "../support/runtimes.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError } from "../support/wrapped_fs.ts";
import { runHere } from "../support/command_in_process.ts";

const LOCK = "ministate.lock";
const locked = { error: LockedError, code: "LOCKED", says: /close it first/ };

/** A state with one mutation, whose lock file was there when it was made. */
async function makeState(path: string): Promise<void> {
  await using manager = await openLedger(path);
  await manager.apply("before");
}

/** Starts a program that holds the state, and waits until it does. */
async function holder(runtime: Runtime, ...args: string[]) {
  const program = start(runtime, "hold_state.ts", args);
  await new Promise<void>((resolve, reject) => {
    program.onLine(() => resolve());
    program.ended.then(({ errors }) => reject(new Error(errors)), reject);
  });
  return {
    async end() {
      program.child.stdin?.end();
      assertEquals((await program.ended).code, 0);
    },
  };
}

for (const code of ["EBADMSG", "EUCLEAN", "EIO", "Structure needs cleaning (os error 117)"]) {
  test(`open() locks only the directory when opening the lock file fails with ${code}, and recovery says so`, async () => {
    await using directory = await temporaryDirectory();
    const path = directory.join("state");
    await makeState(path);
    const options = await lockFileRefused(code);
    {
      await using manager = await openLedger(path, options);
      const { lockFileDamage, placeChecked } = manager.recovery;
      assertMatch(lockFileDamage!, /^Cannot open ".*\/state\/ministate\.lock": /);
      assertEquals(placeChecked, true);
      await manager.apply("after");
      await manager.compact();
      // A caller that can open the file can't have the directory, and vice versa.
      await assertFails(() => openLedger(path), locked);
      await assertFails(() => openLedger(path, options), locked);
    }
    {
      await using manager = await openLedger(path);
      assertEquals(manager.recovery.lockFileDamage, null);
      await assertFails(() => openLedger(path, options), locked);
    }
    await using reader = await openLedger(path, { ...options, readOnly: true });
    assertEquals(reader.recovery.lockFileDamage, null);
    assertEquals(reader.snapshot(), { entries: ["before", "after"] });
  });
}

test("Journal and SnapshotStore lock only the directory, too", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  await makeState(path);
  const options = await lockFileRefused("EBADMSG");
  {
    await using journal = await Journal.open(path, journalName, options);
    assertMatch(journal.recovery.lockFileDamage!, /EBADMSG/);
    await assertFails(() => SnapshotStore.open(path, journalName, options), locked);
    assertEquals((await journal.append("after")).sequence, 2);
  }
  await using store = await SnapshotStore.open(path, journalName, options);
  await assertFails(() => Journal.open(path, journalName), locked);
  await store.create(2, { entries: [] });
  assertEquals((await store.restore())?.sequence, 2);
});

test("the directory alone identifies the place when the lock file can't be opened", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  await makeState(path);
  const manager = await openLedger(path, await lockFileRefused("EBADMSG"));
  await rename(path, directory.join("away"));
  await mkdir(path);
  const gone = { error: DirectoryGoneError, code: "DIRECTORY_GONE", says: /took its place/ };
  await assertFails(() => manager.compact(), gone);
  await assertFails(() => manager.close(), gone);
  assertEquals(await readdir(path), []);
});

test("a lock file that opens at the second try is locked as usual", async () => {
  await using directory = await temporaryDirectory();
  const bad = badDisk(await detectFs(), { part: LOCK, code: "EIO", times: 2 });
  await using manager = await openLedger(directory.path, { fs: bad.fs });
  assertEquals([manager.recovery.lockFileDamage, bad.refusals], [null, 2]);
});

for (const code of ["EACCES", "EROFS", "EMFILE", "ELOOP", "EISDIR", "EINVAL"]) {
  test(`open() fails as usual when opening the lock file fails with ${code}, which is not damage`, async () => {
    await using directory = await temporaryDirectory();
    await makeState(directory.path);
    const options = await lockFileRefused(code);
    const wanted = { error: IoError, code: "IO_FAILED", says: /^Cannot lock ".*ministate\.lock"/ };
    const error = await assertFails(() => openLedger(directory.path, options), wanted);
    assertEquals(error.systemCode, code);
  });
}

test("open() fails as usual when a sound lock file can't be locked", async () => {
  await using directory = await temporaryDirectory();
  const refuse = () => Promise.reject(systemError("ENOLCK"));
  const fs = { ...await detectFs(), lock: refuse, lockDirectory: refuse };
  await makeState(directory.path);
  const wanted = { error: IoError, code: "IO_FAILED", says: /^Cannot lock .*lock service/ };
  assertEquals(
    (await assertFails(() => openLedger(directory.path, { fs }), wanted)).path,
    directory.join(LOCK),
  );
});

test("open() says what to do when neither the lock file nor the directory can be locked", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.path);
  const { fs: bad } = badDisk(await detectFs(), { part: LOCK, code: "EIO" });
  const fs = { ...bad!, lockDirectory: () => Promise.reject(systemError("EBADF")) };
  const error = await assertFails(() => openLedger(directory.path, { fs }), {
    error: IoError,
    code: "IO_FAILED",
    says:
      /^Cannot open ".*ministate\.lock": EIO.*can't be locked instead.*EBADF.*Nothing was changed.*readOnly.*fsck.*copy/,
  });
  assertEquals([error.path, error.systemCode], [directory.join(LOCK), "EIO"]);
  await using reader = await openLedger(directory.path, { fs, readOnly: true });
  assertEquals(reader.snapshot(), { entries: ["before"] });
});

test("two writers on the simulated disk exclude each other when one of them can't open the lock file", async () => {
  const disk = new PowerCutDisk();
  const { fs } = badDisk(disk, { part: LOCK, code: "EBADMSG" });
  for (const [first, second] of [[fs, disk], [disk, fs], [fs, fs]] as const) {
    await using manager = await openLedger("/state", { fs: first });
    assertEquals(manager.recovery.lockFileDamage === null, first === disk);
    await assertFails(() => openLedger("/state", { fs: second }), locked);
  }
});

for (const runtime of runtimes) {
  test(`writers under ${runtime} and here exclude each other when one of them can't open the lock file`, async () => {
    await using directory = await temporaryDirectory();
    await makeState(directory.path);
    const options = await lockFileRefused("EBADMSG");
    for (const codes of [["EBADMSG"], []]) {
      const other = await holder(runtime, directory.path, ...codes);
      await assertFails(() => openLedger(directory.path, options), locked);
      await assertFails(() => openLedger(directory.path), locked);
      await other.end();
    }
    await using manager = await openLedger(directory.path, options);
    for (const codes of [["EBADMSG"], []]) {
      const ended = await run(runtime, "open_state.ts", [directory.path, "{}", ...codes]);
      assertEquals(ended.code, "LOCKED");
    }
    assertEquals((await manager.apply("after")).sequence, 4);
  });
}

test("the command opens a state whose lock file can't be opened", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  assertEquals((await runHere(["set", path, "/a", "1"])).code, 0);
  const { fs } = await lockFileRefused("EUCLEAN");
  const set = await runHere(["set", path, "/b", "2"], { fs });
  assertEquals([set.code, set.output], [0, "sequence 2\n"], set.errors);
  assertMatch(set.errors, /ministate\.lock": EUCLEAN.*fsck/);
  assertEquals((await runHere(["get", path, "/b"], { fs })).output, "2\n");
});

/** How an inode rots, and what the kernel says of it. */
const ROTS = [["spoilChecksum", "EBADMSG"], ["spoilKind", "EUCLEAN"]] as const;

// Elsewhere, the simulated disks above take its place.
for (const [rot, code] of canMountImages() ? ROTS : []) {
  test(`open() and every runtime's writers do with a lock file that ext4 gives ${code} for`, async () => {
    await using directory = await temporaryDirectory();
    using image = await Ext4Image.make(directory.path);
    const path = `${image.path}/state`;
    await makeState(path);
    image.unmount();
    image[rot](`state/${LOCK}`);
    image.mount();
    {
      await using manager = await openLedger(path);
      assertMatch(
        manager.recovery.lockFileDamage!,
        new RegExp(`ministate\\.lock": ${code}: .*fsck`),
      );
      await manager.apply("after");
      for (const runtime of runtimes) {
        assertEquals((await run(runtime, "open_state.ts", [path])).code, "LOCKED");
      }
    }
    for (const runtime of runtimes) {
      const other = await holder(runtime, path);
      await assertFails(() => openLedger(path), locked);
      await other.end();
    }
    const doctor = await runHere(["doctor", path, "--no-sync-test"]);
    assertMatch(doctor.output, new RegExp(`ministate\\.lock can't be accessed \\(${code}\\)`));
    await using reader = await openLedger(path, { readOnly: true });
    assertEquals(reader.snapshot(), { entries: ["before", "after", "held", "held", "held"] });
  });
}
