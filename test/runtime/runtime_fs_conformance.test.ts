// Tests that the running runtime's file system keeps the contract, and so do its locks across processes and runtimes.

import { assert, assertEquals } from "@std/assert";
import { execFileSync } from "node:child_process";
import { stat, symlink, utimes } from "node:fs/promises";
import { test } from "node:test";
import { detectFs } from "../../runtime/detect.ts";
import { runtimes, start } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { testConformance } from "../support/conformance.ts";

testConformance("this runtime", async () => {
  const directory = await temporaryDirectory();
  return {
    fs: await detectFs(),
    path: directory.path,
    plant: async (path, kind) => {
      if (kind === "link") await symlink("target", path);
      else execFileSync("mkfifo", [path]);
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
});

test("open(), lock() and makeDirectory() give access only to the owner", async () => {
  await using directory = await temporaryDirectory();
  const fs = await detectFs();
  await fs.makeDirectory(directory.join("folder"));
  await (await fs.open(directory.join("file"), "create")).close();
  await (await fs.lock(directory.join("lock")))!.release();
  const modes = await Promise.all(
    ["folder", "file", "lock"].map(async (name) => (await stat(directory.join(name))).mode & 0o777),
  );
  assertEquals(modes, [0o700, 0o600, 0o600]);
});

test("a lock notices that a name in the locked directory was created, renamed or removed", async () => {
  await using directory = await temporaryDirectory();
  const fs = await detectFs();
  const steps = {
    made: async () => await (await fs.open(directory.join("a"), "create")).close(),
    renamed: () => fs.rename(directory.join("a"), directory.join("b")),
    removed: () => fs.remove(directory.join("b")),
  };
  const lock = (await fs.lock(directory.join("lock"), directory.path))!;
  // Deno reports the time of a change in whole seconds, so a second has to pass between changes.
  for (const [what, step] of Object.entries(steps)) {
    const before = lock.changed!()!;
    while (Date.now() < before + 1100) await new Promise((resolve) => setTimeout(resolve, 10));
    await step();
    assert(lock.changed!()! > before, what);
  }
  // As on FAT, where programs can set the only timestamp.
  await utimes(directory.path, 1_000_000_000, 1_000_000_000);
  assertEquals(lock.changed!(), null);
  await lock.release();
});

/** Starts a program that takes the lock, and resolves with what it says. */
async function holder(runtime: (typeof runtimes)[number], path: string) {
  const program = start(runtime, "hold_lock.ts", [path]);
  const said = await Promise.race([
    new Promise<string>((resolve) => program.onLine(resolve)),
    program.ended.then(({ errors }) => {
      throw new Error(`hold_lock.ts under ${runtime} ended: ${errors}`);
    }),
  ]);
  return { program, said };
}

for (const runtime of runtimes) {
  test(`lock() is refused while a process under ${runtime} has it, and free once that is killed`, async () => {
    await using directory = await temporaryDirectory();
    const fs = await detectFs();
    const path = directory.join("lock");
    const { program, said } = await holder(runtime, path);
    assertEquals(said, "locked");
    assertEquals(await fs.lock(path), null);
    program.child.kill("SIGKILL");
    await program.ended;
    const lock = await fs.lock(path);
    assert(lock !== null, "a killed process left its lock behind");
    const second = await holder(runtime, path);
    assertEquals(second.said, "taken");
    await second.program.ended;
    await lock.release();
    const third = await holder(runtime, path);
    assertEquals(third.said, "locked");
    third.program.child.stdin?.end();
    const { code, errors } = await third.program.ended;
    assertEquals(code, 0, errors);
  });
}
