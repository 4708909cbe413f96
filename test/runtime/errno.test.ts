// Tests that a failure of the operating system has its true name on every runtime, however that runtime reports it.

import fs from "node:fs";
import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LockedError, type MinistateError, StateManager } from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { nameOfErrno, withCode, withErrorCodes } from "../../runtime/errno.ts";
import { type Flock, lockByCall } from "../../runtime/flock_call.ts";
import { PoisonedError } from "../../src/errors.ts";
import { ioError, isDiskFull } from "../../src/failures.ts";
import { own, run } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const names: [number, string][] = [
  [4, "EINTR"],
  [5, "EIO"],
  [28, "ENOSPC"],
  [30, "EROFS"],
  [37, "ENOLCK"],
  [74, "EBADMSG"],
  [95, "ENOTSUP"],
  [116, "ESTALE"],
  [117, "EUCLEAN"],
  [122, "EDQUOT"],
  [123, "ENOMEDIUM"],
  [126, "ENOKEY"],
];

/** An error as this runtime makes it for a number that it has no name for; today's Bun has names for all. */
function unnamed(errno: number): Error {
  if (own === "deno") return new Error(`Something went wrong (os error ${errno}): open '/a'`);
  const code = own === "bun" ? "UNKNOWN" : `Unknown system error -${errno}`;
  return Object.assign(new Error(`${code}: ${code}, write`), { code, errno: -errno });
}

test("withCode() gives every form of an error the name of its number", () => {
  for (const [errno, name] of names) {
    const forms = [
      Object.assign(new Error("a"), { code: "UNKNOWN", errno: -errno }),
      Object.assign(new Error("a"), { code: `Unknown system error -${errno}`, errno: -errno }),
      new Error(`Words of the C library (os error ${errno})`),
      new Error(`Words (os error ${errno}): open '/a (os error 2)'`),
    ];
    for (const error of forms) {
      assertEquals(withCode(error), error);
      assertEquals((error as { code?: string }).code, name);
    }
  }
});

test("withCode() doesn't change errors that have a name or no number", () => {
  const nameable = Object.assign(new Error("a"), { code: "ENOENT", errno: -122 });
  withCode(nameable);
  assertEquals(nameable.code, "ENOENT");
  for (const error of [new Error("a"), Object.assign(new Error("b"), { errno: -41 })]) {
    assertEquals("code" in (withCode(error) as Error), false);
  }
  assertEquals(withCode("just text"), "just text");
});

test("withErrorCodes() names errors thrown now and later, and turns no plain result into a promise", async () => {
  assertEquals(withErrorCodes(() => 1), 1);
  assertEquals(await withErrorCodes(() => Promise.resolve(2)), 2);
  const calls = [() => Promise.reject(unnamed(122)), () => {
    throw unnamed(122);
  }];
  for (const call of calls) {
    const error = await assertRejects(async () => await withErrorCodes(call));
    assertEquals((error as { code?: string }).code, "EDQUOT");
  }
});

test("nameOfErrno() knows where macOS differs, and leaves unknown numbers there unnamed", () => {
  const found = [28, 69, 70, 11, 122].map((errno) => nameOfErrno(errno, true));
  assertEquals(found, ["ENOSPC", "EDQUOT", "ESTALE", "EDEADLK", undefined]);
});

/** Has a call of this runtime fail with an error for which it has no name, until the returned function is called. */
function failing(call: "sync" | "write", errno: number): () => void {
  const fail = () => {
    throw unnamed(errno);
  };
  const later = (...given: unknown[]) => {
    const done = given.at(-1);
    if (typeof done === "function") done(unnamed(errno));
    else return Promise.reject(unnamed(errno));
  };
  const host = (own === "deno" ? Deno.FsFile.prototype : fs) as unknown as Record<string, unknown>;
  const [atOnce, threaded] = own === "deno"
    ? call === "sync" ? ["syncDataSync", "syncData"] : ["writeSync", "write"]
    : call === "sync"
    ? ["fdatasyncSync", "fdatasync"]
    : ["writeSync", "write"];
  const before = [host[atOnce!], host[threaded!]];
  host[atOnce!] = fail;
  host[threaded!] = later;
  return () => [host[atOnce!], host[threaded!]] = before;
}

for (const call of ["write", "sync"] as const) {
  for (const waits of [true, false]) {
    test(`${call} ${waits ? "on a thread" : "at once"} fails with the true name`, async () => {
      await using directory = await temporaryDirectory();
      const file = await (await detectFs()).open(directory.join("a"), "create");
      // The first sync is on a thread; after a fast one, writes and syncs are synchronous.
      if (!waits) { for (let i = 0; i < 3; i++) await file.syncData(); }
      const restore = failing(call, 122);
      try {
        const error = await assertRejects(async () => {
          await (call === "write" ? file.write(new Uint8Array(3), 0) : file.syncData());
        });
        assertEquals((error as { code?: string }).code, "EDQUOT");
      } finally {
        restore();
        await file.close();
      }
    });
  }
}

test("apply() over a quota fails with DISK_FULL and works once there is space", async () => {
  await using directory = await temporaryDirectory();
  const counter = {
    initial: () => ({ value: 0 }),
    apply: (state: { value: number }, by: number) => state.value += by,
  };
  await using manager = await StateManager.open(directory.path, "a.wal.jsonl", counter);
  await manager.apply(1);
  const restore = failing("write", 122);
  try {
    const error = await assertRejects(() => manager.apply(10)) as MinistateError;
    assertEquals([error.code, error.systemCode], ["DISK_FULL", "EDQUOT"]);
  } finally {
    restore();
  }
  assertEquals((await manager.apply(2)).result, 3);
});

test("systemCode of one of our errors around another is the system's code", () => {
  const cause = Object.assign(new Error("a"), { code: "ENOSPC" });
  const poison = new PoisonedError("Cannot continue", { cause: ioError("write", "/a", cause) });
  assertEquals(poison.systemCode, "ENOSPC");
  assertEquals(
    new LockedError("In use", { cause: new LockedError("In use") }).systemCode,
    undefined,
  );
  // An error that ended a journal for good is not a full disk, whatever caused it.
  assertEquals([isDiskFull(poison), isDiskFull(poison.cause)], [false, true]);
});

test("the error for a directory that can't be synced blames the file system", () => {
  for (const code of ["EINVAL", "ENOTSUP"]) {
    const { message } = ioError("sync", "/a", Object.assign(new Error("a"), { code }));
    assertEquals(message.includes("can't sync directories"), true, message);
  }
});

test("lockByCall() under Bun fails with the reason when a file can't be locked", async () => {
  const found = own === "bun"
    ? await (await import("../support/programs/call_flock.ts")).refusal()
    : (await run("bun", "call_flock.ts", ["--refusal"]));
  assertEquals(found, "EBADF");
});

test("lockByCall() tries again after a signal, and says only what the library says", () => {
  /** A library whose calls fail with these errors, one after the other, and then succeed. */
  const failing = (...errors: number[]): Flock & { calls: number[] } => {
    const calls: number[] = [];
    let last = 0;
    return {
      calls,
      flock(fd) {
        calls.push(fd);
        last = errors.shift() ?? 0;
        return last === 0 ? 0 : -1;
      },
      errno: () => last,
    };
  };
  const [EINTR, EAGAIN, ENOLCK, UNKNOWN] = [4, 11, 37, 9999];
  const interrupted = failing(EINTR, EINTR);
  assertEquals([lockByCall(interrupted, [7]), interrupted.calls], [true, [7, 7, 7]]);
  assertEquals(lockByCall(failing(EAGAIN), [7, 8]), false);
  assertEquals(lockByCall(failing(UNKNOWN), [7, 8]), null);
  assertThrows(() => lockByCall(failing(ENOLCK), [7, 8]), Error, "ENOLCK");
  // The directory: taken is taken, and any other failure means that it can't be locked.
  assertEquals(lockByCall(failing(0, EAGAIN), [7, 8]), false);
  assertEquals(lockByCall(failing(0, ENOLCK), [7, 8]), true);
});
