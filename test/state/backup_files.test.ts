// Tests which files backup() copies, and when it refuses because one is missing, unreadable or new.

import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CorruptionError,
  DirectoryGoneError,
  IoError,
  MinistateError,
  StateManager,
} from "@ministate/ministate";
import { detectFs } from "../../runtime/detect.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { badDisk } from "../support/bad_disk.ts";
import { assertFails } from "../support/errors.ts";
import { cutEverywhere } from "../support/every_cut.ts";
import { fileName } from "../support/files.ts";
import { countOpenFiles } from "../support/open_files.ts";
import { counter, journalName, openCounter, openLedger } from "../support/samples.ts";
import { ioFailure, makeHistory, makeSegments } from "../support/three_segments.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const wal = (sequence: number) => fileName("wal", sequence);

test("backup() leaves out what an interrupted compaction left, and refuses a gap that counts", async () => {
  await using directory = await temporaryDirectory();
  const [kept, gap] = [directory.join("kept"), directory.join("gap")];
  await makeSegments(kept, true);
  await rm(`${kept}/${wal(3)}`);
  await using reader = await openLedger(kept, { readOnly: true });
  const report = await reader.backup(directory.join("copy"));
  assertEquals([report.sequence, report.files], [6, 2], "a snapshot and the segment after it");
  await using copy = await openLedger(directory.join("copy"));
  assertEquals(copy.state.entries.length, 6);
  await makeSegments(gap);
  await using broken = await openLedger(gap, { readOnly: true });
  await rm(`${gap}/${wal(3)}`);
  const error = await assertRejects(() => broken.backup(directory.join("other")), CorruptionError);
  assertEquals(error.sequence, 3);
});

test("backup() fails with the system's error when too many files are open or the target can't be read", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await makeSegments(state, true);
  let refused = "";
  let lists = 0;
  const base = await wrapFs(({ name, path }) => {
    if (name === "read" && refused === "snapshot" && path.includes(".snapshot.")) {
      throw systemError("EMFILE");
    }
  });
  const fs = {
    ...base,
    async list(path: string) {
      // Listed once for leftovers of an interrupted backup, and once for anything else.
      if (refused === "target" && path.endsWith("copy") && ++lists === 2) throw systemError("EIO");
      return await base.list(path);
    },
  };
  await using reader = await openLedger(state, { readOnly: true, fs });
  for (refused of ["snapshot", "target"]) {
    const code = refused === "target" ? "EIO" : "EMFILE";
    await assertRejects(() => reader.backup(directory.join("copy")), IoError, code);
  }
});

test("backup() by a reader closes what it holds when a file can't be opened, and says why", async () => {
  await using directory = await temporaryDirectory();
  await makeHistory(directory.join("state"));
  const files = countOpenFiles(await detectFs());
  await using reader = await openLedger(directory.join("state"), { readOnly: true, fs: files.fs });
  files.openMax = 3;
  await assertFails(() => reader.backup(directory.join("copy")), ioFailure("EMFILE"));
  assertEquals(files.open, 0);
  files.openMax = Infinity;
  assertEquals((await reader.backup(directory.join("copy"))).sequence, 6);
});

test("backup() leaves out an unreadable segment that nothing needs, and refuses to leave out one that counts", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await makeHistory(state);
  const bad = { part: fileName("wal", 1), code: "EIO", range: [200, 8192] as [number, number] };
  const { fs } = badDisk(await detectFs(), bad);
  await using reader = await openLedger(state, { readOnly: true, fs });
  const { files, sequence } = await reader.backup(directory.join("copy"));
  assertEquals([files, sequence], [4, 6], "two segments and two snapshots");
  assertEquals((await readdir(directory.join("copy"))).includes(fileName("wal", 1)), false);
  await rm(`${state}/${fileName("snapshot", 2)}`);
  await rm(`${state}/${fileName("snapshot", 4)}`);
  await assertFails(() => reader.backup(directory.join("other")), ioFailure("EIO"));
});

test("backup() fails with the disk's error when the records of a needed segment can't be read", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  await makeSegments(state);
  const range: [number, number] = [(await readFile(`${state}/${wal(3)}`)).indexOf(10) + 1, 8192];
  const bad = { part: wal(3), code: "EIO", range, times: 0 };
  const { fs } = badDisk(await detectFs(), bad);
  await using reader = await openLedger(state, { readOnly: true, fs });
  bad.times = Infinity;
  await assertFails(() => reader.backup(directory.join("copy")), ioFailure("EIO"));
});

test("backup() cut short by a power cut never opens without what the writer knows of outcomes", async () => {
  const made = freshDisk();
  // Open while it is copied: only the writer knows that its last mutation was refused.
  const run = async (fs: PowerCutDisk) => {
    await using manager = await openCounter("/data/state", { fs });
    await manager.apply({ by: 1 });
    await manager.apply({ by: -5 }).catch(() => {});
    await manager.backup("/data/copy");
  };
  let whole = 0;
  await cutEverywhere(() => null, run, async (fs) => {
    const copy = await openLenient("/data/copy", fs).catch((error) => error);
    if (copy instanceof MinistateError) return;
    // Its only file may be empty, as on FAT.
    if (copy.sequence > 0) {
      assertEquals([copy.sequence, copy.state.value], [2, 1]);
      whole++;
    }
    await copy.close();
  }, () => made.image());
  assert(whole > 0);
});

/** Opens a counter with a program that refuses nothing. */
function openLenient(path: string, fs: PowerCutDisk) {
  const apply = (state: { value: number }, { by }: { by: number }) => void (state.value += by);
  return StateManager.open(path, journalName, { ...counter, apply }, { fs, create: false });
}

test("backup() leaves a segment that is begun meanwhile for the next backup", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  const base = await detectFs();
  let begin = async () => {};
  const fs = {
    ...base,
    async list(path: string) {
      if (path === state) await begin();
      return await base.list(path);
    },
  };
  const options = { fs, segmentSizeMax: 65_536, compaction: "manual" } as const;
  await using manager = await openLedger(state, options);
  await manager.apply(1);
  begin = async () => {
    begin = async () => {};
    await manager.apply("x".repeat(70_000));
  };
  const { sequence, files } = await manager.backup(directory.join("copy"));
  assertEquals([sequence, files, manager.sequence], [1, 1, 2]);
});

test("backup() says that the state is gone when the target goes with it", async () => {
  await using directory = await temporaryDirectory();
  const [place, state] = [directory.join("place"), directory.join("place/state")];
  await mkdir(place);
  await makeHistory(state);
  let isOn = false;
  const fs = await wrapFs(async ({ name }) => {
    if (!isOn || name !== "rename") return;
    isOn = false;
    await rename(place, directory.join("away"));
  });
  await using reader = await openLedger(state, { readOnly: true, fs });
  isOn = true;
  const error = await assertFails(() => reader.backup(`${place}/copy`), {
    error: DirectoryGoneError,
    code: "DIRECTORY_GONE",
    says: /is no longer there/,
  });
  assertEquals(error.path, state);
});
