// Tests what backup() does when the state or the target is moved, replaced or removed: it fails, in one way on every
// runtime, and leaves nothing that looks like a backup.

import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { CorruptionError, DirectoryGoneError, type DurableFs, IoError } from "@ministate/ministate";
import { EXIT } from "../../cli/exit.ts";
import { runHere } from "../support/command_in_process.ts";
import { assertFails } from "../support/errors.ts";
import { fileName } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { wrapFs } from "../support/wrapped_fs.ts";

/** Nothing that opens as a state may be left of a backup that failed. */
async function assertNoBackup(target: string): Promise<void> {
  const left = await readdir(target).catch(() => []);
  assertEquals(left.filter((name) => name !== "ministate.lock"), []);
}

test("backup() of a read-only manager whose files were removed fails, and leaves nothing that looks like one", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  {
    await using manager = await openLedger(state);
    await manager.applyAll([1, 2]);
    await manager.createSnapshot();
    await manager.apply(3);
  }
  await using reader = await openLedger(state, { readOnly: true });
  const target = directory.join("copy");
  // Only the newest: what is left would open at an earlier sequence.
  await rm(`${state}/${fileName("wal", 3)}`);
  const error = await assertFails(() => reader.backup(target), {
    error: CorruptionError,
    code: "CORRUPT",
    says: /ends with sequence 2, but 3 was there when it was opened/,
  });
  assertEquals(error.sequence, 3);
  assertEquals((error as CorruptionError).lost, { sequenceFirst: 3, sequenceLast: 3 });
  await assertNoBackup(target);
  for (const name of await readdir(state)) await rm(`${state}/${name}`);
  const gone = await assertFails(() => reader.backup(directory.join("none")), {
    error: DirectoryGoneError,
    code: "DIRECTORY_GONE",
    says: /none of its files is of the journal that was there/,
  });
  assertEquals(gone.path, state);
  assertEquals((await readdir(directory.path)).sort(), ["copy", "state"]);
});

test("the command's backup fails when the files are removed before it has opened them", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  {
    await using manager = await openLedger(state);
    await manager.apply(1);
  }
  const base = await wrapFs(() => {});
  let lists = 0;
  const fs = {
    ...base,
    async list(path: string) {
      // Listed once for the journal's name, and once to be held.
      if (path === state && ++lists === 2) await rm(`${state}/${fileName("wal", 1)}`);
      return await base.list(path);
    },
  };
  const { code, errors } = await runHere(["backup", state, directory.join("copy")], { fs });
  assertEquals([code, errors.includes("There is no state in")], [EXIT.refused, true], errors);
  await assertNoBackup(directory.join("copy"));
});

/** What can happen to the target, at each call of the file system on it. */
const mishaps: Record<string, (target: string) => Promise<void>> = {
  "moved": (target) => rename(target, `${target}-moved`),
  "removed": (target) => rm(target, { recursive: true }),
  "replaced": async (target) => {
    await rename(target, `${target}-moved`);
    await mkdir(target);
  },
};

for (const [mishap, happen] of Object.entries(mishaps)) {
  for (const readOnly of [false, true]) {
    const who = readOnly ? "a reader" : "a writer";
    test(`backup() of ${who} fails in one way when its target is ${mishap}, and the manager keeps working`, async () => {
      await using directory = await temporaryDirectory();
      const [state, target] = [directory.join("state"), directory.join("copy")];
      {
        await using manager = await openLedger(state, { compaction: "manual" });
        await manager.applyAll([1, 2]);
        await manager.createSnapshot();
        await manager.apply(3);
      }
      let steps = Infinity;
      const step = async (path: string) => {
        if (!path.startsWith(target) || steps-- !== 0) return;
        await happen(target);
      };
      const base = await wrapFs(({ path }) => step(path));
      const fs: DurableFs = {
        ...base,
        list: async (path) => {
          await step(path);
          return await base.list(path);
        },
        syncDirectory: async (path) => {
          await step(path);
          await base.syncDirectory(path);
        },
        identity: async (path) => {
          await step(path);
          return await base.identity(path);
        },
      };
      await using manager = await openLedger(state, { fs, readOnly });
      let taken = 0;
      for (let at = 0, reached = true;; at++) {
        steps = at;
        const outcome = await manager.backup(target).catch((error) => error);
        reached = steps < 0;
        steps = Infinity;
        if (!reached) break;
        const says = `${mishap} before call ${at}: ${outcome}`;
        // Another empty directory, before the target was locked, is as good a target.
        const isTaken = mishap === "replaced" && outcome.sequence === 3;
        if (!isTaken) {
          assert(outcome instanceof IoError && outcome.code === "IO_FAILED", says);
          assert(outcome.message.includes(`"${target}`), says);
          assertEquals(outcome.path?.startsWith(target), true, says);
        }
        taken += isTaken ? 1 : 0;
        await rm(target, { recursive: true, force: true });
        await rm(`${target}-moved`, { recursive: true, force: true });
      }
      assert(taken < 5, `${taken} backups to a directory that was replaced`);
      assertEquals(await manager.stateAt(3), { entries: [1, 2, 3] });
      await using copy = await openLedger(target);
      assertEquals(copy.snapshot(), { entries: [1, 2, 3] });
    });
  }
}
