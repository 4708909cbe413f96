// Tests that a compaction that fails is not silent: one warning, stats() and inspect say when and why.

import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InvalidStateError, StateManager } from "@ministate/ministate";
import type { DurableFs, StateManagerOptions } from "@ministate/ministate";
import { crashImages } from "@ministate/ministate/testing";
import { freshDisk } from "../../simulation/workloads.ts";
import { DIRECTORY } from "../../simulation/world.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const TIME = 1_763_852_625_100;
const filler = "x".repeat(500);

interface Spoilt {
  readings: unknown[];
}

/** Puts a `Date` into the state, or takes it out. */
const spoiler = {
  initial: (): Spoilt => ({ readings: [1, 2, { at: 0 }] }),
  apply(state: Spoilt, { spoil }: { spoil: boolean; filler?: string }) {
    state.readings[2] = { at: spoil ? new Date(0) : 0 };
  },
};

const NOT_JSON = "in the state, $.readings[2].at is an object of class Date, which JSON can't hold";

function open(fs: DurableFs, options: StateManagerOptions = {}) {
  return StateManager.open(DIRECTORY, journalName, spoiler, {
    compaction: "manual",
    clock: () => TIME,
    ...options,
    fs,
  });
}

async function inspected(fs: DurableFs) {
  return (await inspectState(fs, DIRECTORY, journalName)).compactionFailure;
}

/** Collects what is printed as warnings meanwhile. */
async function warningsOf(task: (warnings: string[]) => Promise<void>): Promise<string[]> {
  const { warn } = console;
  const warnings: string[] = [];
  console.warn = (text: string) => warnings.push(text);
  try {
    await task(warnings);
  } finally {
    console.warn = warn;
  }
  return warnings;
}

test("apply() warns once, with the place in the state, when no compaction works and nobody listens", async () => {
  const warnings = await warningsOf(async (warned) => {
    await using manager = await open(freshDisk(), {
      compaction: "automatic",
      compactionSize: 4096,
    });
    const failures = new Set<unknown>();
    while (failures.size < 4) {
      await manager.apply({ spoil: true, filler });
      if (manager.compactionError !== null) failures.add(manager.compactionError);
    }
    assertEquals(warned.length, 1, "four attempts failed");
    while (manager.compactionError !== null) await manager.apply({ spoil: false, filler });
    while (manager.compactionError === null) await manager.apply({ spoil: true, filler });
  });
  assertEquals(warnings.length, 2, "it had worked in between");
  for (const warning of warnings) assertStringIncludes(warning, NOT_JSON);
  assertStringIncludes(warnings[0]!, `ministate: "${DIRECTORY}" was not compacted`);
});

test("apply() warns of nothing when onCompactionError is given", async () => {
  const errors: unknown[] = [];
  const warnings = await warningsOf(async () => {
    await using manager = await open(freshDisk(), {
      compaction: "automatic",
      compactionSize: 4096,
      onCompactionError: (error) => errors.push(error),
    });
    while (errors.length === 0) await manager.apply({ spoil: true, filler });
  });
  assertEquals(warnings, []);
});

test("stats() and inspect say when the last compaction failed and why, until a later one works", async () => {
  const disk = freshDisk();
  const failure = { sequence: 1, timestamp: TIME, code: "INVALID_STATE" };
  {
    await using manager = await open(disk);
    assertEquals(manager.stats().compactionFailure, null);
    await manager.apply({ spoil: true });
    await assertRejects(() => manager.compact(), InvalidStateError);
    const { reason, ...rest } = manager.stats().compactionFailure!;
    assertEquals(rest, failure);
    assertStringIncludes(reason, NOT_JSON);
    assertEquals(await inspected(disk), null, "nothing was written since");
  }
  assertEquals((await inspected(disk))?.sequence, 1);
  {
    await using reader = await open(disk, { readOnly: true });
    assertEquals(reader.stats().compactionFailure?.timestamp, TIME);
  }
  {
    await using manager = await open(disk);
    assertEquals(manager.stats().compactionFailure?.sequence, 1);
    await manager.apply({ spoil: true });
  }
  assertEquals((await inspected(disk))?.sequence, 1, "a run without a compaction passes it on");
  await using manager = await open(disk);
  await manager.apply({ spoil: false });
  await manager.createSnapshot();
  assertEquals(manager.stats().compactionFailure, null);
  assertEquals(await inspected(disk), null, "the snapshot is newer than what the header says");
  await manager.close();
  assertEquals(await inspected(disk), null);
});

test("a failed compaction is recorded without a write of its own", async () => {
  const run = async (fails: boolean) => {
    const disk = freshDisk();
    await using manager = await open(disk);
    await manager.apply({ spoil: true });
    if (fails) await assertRejects(() => manager.compact(), InvalidStateError);
    const calls = disk.calls;
    await manager.apply({ spoil: true });
    await manager.close();
    return disk.calls - calls;
  };
  assertEquals(await run(true), await run(false));
});

test("a compaction that fails after the last seal is recorded by close()", async () => {
  const disk = freshDisk();
  await (await open(disk)).apply({ spoil: true });
  const image = disk.crash();
  await (await open(image)).close();
  for (const isSame of [false, true]) {
    const manager = await open(image);
    assertEquals(manager.recovery.sealed, true);
    await assertRejects(() => manager.compact(), InvalidStateError);
    await manager.close();
    assertEquals((await inspected(image))?.sequence, 1);
    if (!isSame) continue;
    const path = manager.journalPath;
    const before = image.peek(path);
    await (await open(image)).close();
    assertEquals(image.peek(path), before, "it was written though nothing was new");
  }
});

test("a failed deletion is a failed compaction, although its snapshot is there", async () => {
  await using directory = await temporaryDirectory();
  const fs = await wrapFs(({ name }) => {
    if (name === "remove") throw systemError("EACCES");
  });
  const manager = await openLedger(directory.path, { fs, compaction: "manual" });
  await manager.apply(1);
  await manager.compact();
  await manager.apply(2);
  await assertRejects(() => manager.compact(), Error, "EACCES");
  await manager.close();
  const failure = (await inspectState(fs, directory.path, journalName)).compactionFailure;
  assertEquals([failure?.code, failure?.sequence], ["IO_FAILED", 2]);
});

test("a failure that is not the library's has no code", async () => {
  const mutator = {
    initial: () => ({}) as { bad?: unknown },
    apply(state: { bad?: unknown }) {
      state.bad = {
        get part() {
          throw new Error("not readable ".repeat(50));
        },
      };
    },
  };
  await using manager = await StateManager.open(DIRECTORY, journalName, mutator, {
    fs: freshDisk(),
  });
  await manager.apply(null);
  await assertRejects(() => manager.compact(), Error, "not readable");
  const { code, reason } = manager.stats().compactionFailure!;
  assertEquals(code, null);
  assertEquals([reason.length, reason.at(-1)], [320, "…"]);
});

test("open() finds the state in every image of a disk that loses power while a failure is recorded", async () => {
  for (let cut = 1, found = 0;; cut++) {
    const disk = freshDisk();
    const manager = await open(disk);
    await manager.apply({ spoil: true });
    await assertRejects(() => manager.compact(), InvalidStateError);
    disk.cutAt = disk.calls + cut;
    const closed = await manager.close().then(() => true, () => false);
    for (const image of crashImages(disk)) {
      const failure = await inspected(image);
      if (failure !== null) found++;
      assert(failure === null || failure.sequence === 1);
      await using recovered = await open(image);
      assertEquals(recovered.sequence, 1);
    }
    if (closed) return assert(found > 0, "it was recorded");
  }
});
