// Tests automatic compaction and rotation: when they happen, and that no call fails because of them.

import process from "node:process";
import { readdir, readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  DiskFullError,
  InvalidStateError,
  type MinistateError,
  StateManager,
} from "@ministate/ministate";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const filler = "x".repeat(500);

async function count(path: string, part: string): Promise<number> {
  return (await readdir(path)).filter((name) => name.includes(part)).length;
}

/** The sequences of the snapshots, the older one first. */
async function snapshotsIn(path: string): Promise<number[]> {
  const names = (await readdir(path)).filter((name) => name.endsWith(".snapshot.jsonl"));
  return names.map((name) => Number(/-(\d{16})\./.exec(name)![1])).sort((a, b) => a - b);
}

/** Applies mutations until there are two snapshots, however slow compactions are; returns how many it took. */
async function applyUntilCompacted(
  path: string,
  apply: (i: number) => Promise<unknown>,
  from: number,
): Promise<number> {
  let i = from;
  for (; (await snapshotsIn(path)).length < 2; i++) await apply(i);
  return i - 1;
}

test("apply() starts a compaction when the journal is longer than compactionSize", async () => {
  await using directory = await temporaryDirectory();
  const latest = {
    initial: () => ({ last: 0 }),
    apply: (s: { last: number }, m: { i: number }) => s.last = m.i,
  };
  let last = 0;
  {
    await using manager = await StateManager.open(directory.path, journalName, latest, {
      compactionSize: 20_000,
    });
    for (let i = 1; i <= 30; i++) await manager.apply({ i, filler } as { i: number });
    assertEquals(await count(directory.path, "snapshot"), 0, "not before");
    const apply = (i: number) => manager.apply({ i, filler } as { i: number });
    last = await applyUntilCompacted(directory.path, apply, 31);
  }
  // Closing waits for the compaction that is under way.
  const snapshots = await snapshotsIn(directory.path);
  assertEquals(snapshots.length, 2);
  // Twenty kilobytes apart, at least.
  assert(snapshots[0]! > 30 && snapshots[1]! - snapshots[0]! > 30, String(snapshots));
  assert(await count(directory.path, ".wal.") <= 4);
  await using manager = await StateManager.open(directory.path, journalName, latest);
  assertEquals(manager.snapshot(), { last });
  assertEquals(manager.recovery.snapshot?.sequence, snapshots[1]);
});

test("apply() starts no compaction when compaction is manual", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, {
    compaction: "manual",
    compactionSize: 4096,
  });
  for (let i = 1; i <= 100; i++) await manager.apply({ i, filler });
  assertEquals(await count(directory.path, "snapshot"), 0);
});

test("a program that writes snapshots itself doesn't fill the disk with them", async () => {
  const kept = { automatic: [4, 5], manual: [1, 2, 3, 4, 5] };
  for (const compaction of ["automatic", "manual"] as const) {
    await using directory = await temporaryDirectory();
    await using manager = await openLedger(directory.path, { compaction });
    for (let i = 1; i <= 5; i++) {
      await manager.apply(i);
      assertEquals((await manager.createSnapshot()).sequence, i);
    }
    assertEquals(await snapshotsIn(directory.path), kept[compaction]);
    assertEquals(await count(directory.path, ".wal."), compaction === "manual" ? 6 : 2);
  }
});

test("apply() starts no compaction until the journal is longer than the last snapshot", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path, { compactionSize: 4096 });
  // A state that grows with the journal: with every compaction the next one is twice as far away.
  const last = await applyUntilCompacted(directory.path, (i) => manager.apply({ i, filler }), 1);
  await manager.close();
  await using again = await openLedger(directory.path, { readOnly: true });
  assertEquals(again.sequence, last);
  const [older, newer, ...more] = await snapshotsIn(directory.path);
  assertEquals(more, []);
  assert(newer! > 1.8 * older!, `${older} and ${newer}`);
});

test("open() starts the count of the journal's length where the last snapshot left it", async () => {
  await using directory = await temporaryDirectory();
  for (let i = 1; i <= 12; i++) {
    await using manager = await openLedger(directory.path, { compactionSize: 4096 });
    await manager.apply({ i, filler });
  }
  assert(await count(directory.path, "snapshot") > 0, "many short runs are compacted too");
});

test("apply() is not affected when an automatic compaction fails, and onCompactionError is called", async () => {
  await using directory = await temporaryDirectory();
  const errors: MinistateError[] = [];
  const mutator = {
    initial: () => ({ when: null as unknown, count: 0 }),
    apply(state: { when: unknown; count: number }, mutation: { spoil: boolean; filler: string }) {
      state.when = mutation.spoil ? new Date(0) : 0;
      return ++state.count;
    },
  };
  await using manager = await StateManager.open(directory.path, journalName, mutator, {
    compactionSize: 4096,
    onCompactionError: (error) => errors.push(error),
  });
  let last = 0;
  // However slow a compaction is: until one has failed, at least.
  while (last < 60 || errors.length === 0) {
    assertEquals((await manager.apply({ spoil: true, filler })).result, ++last);
  }
  assert(errors.length > 0 && errors.length < 20, `called ${errors.length} times`);
  for (const error of errors) assertInstanceOf(error, InvalidStateError);
  assertEquals(await count(directory.path, "snapshot"), 0);
  // It is tried again; never coming out of here would mean that it isn't.
  for (; (await snapshotsIn(directory.path)).length === 0; last++) {
    await manager.apply({ spoil: false, filler });
  }
  await manager.close();
  assertEquals(manager.sequence, last);
});

test("apply() begins a new segment when the current one is longer than segmentSizeMax", async () => {
  await using directory = await temporaryDirectory();
  const segmentSizeMax = 65_536;
  const paths = new Set<string>();
  {
    await using manager = await openLedger(directory.path, { segmentSizeMax });
    for (let i = 1; i <= 400; i++) {
      await manager.apply({ i, filler });
      paths.add(manager.journalPath);
    }
  }
  assert(paths.size >= 3, `${paths.size} segments`);
  let expected = 1;
  for (const path of [...paths].sort()) {
    assert(
      (await stat(path)).size <= segmentSizeMax + 1000,
      "the space filled ahead is given back",
    );
    const [header, ...lines] = (await readFile(path, "utf8")).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(header.first, expected);
    // The lines of the initial state begin with a path.
    expected += lines.filter((line) => typeof line[0] === "number").length;
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.recovery.segmentsRead, paths.size);
  assertEquals(manager.snapshot().entries.length, 400);
  assertEquals(expected, 401);
});

for (
  const [how, callback] of [
    ["throws", () => {
      throw new Error("the callback's own");
    }],
    ["rejects", () => Promise.reject(new Error("the callback's own"))],
  ] as const
) {
  test(`apply() continues, and so does the process, when onCompactionError ${how}`, async () => {
    await using directory = await temporaryDirectory();
    let calls = 0;
    const mutator = {
      initial: () => ({ when: null as unknown }),
      apply: (state: { when: unknown }, _filler: string) => void (state.when = new Date(0)),
    };
    const escaped: unknown[] = [];
    const note = (reason: unknown) => escaped.push(reason);
    process.on("unhandledRejection", note);
    try {
      await using manager = await StateManager.open(directory.path, journalName, mutator, {
        compactionSize: 4096,
        onCompactionError: () => {
          calls++;
          return callback() as unknown as void;
        },
      });
      for (let i = 1; i <= 60; i++) await manager.apply(filler);
      assert(calls > 1, "it is tried again");
      assertInstanceOf(manager.compactionError, InvalidStateError);
      // A turn of the loop, in which the runtime would report an uncaught error.
      await new Promise((resolve) => setTimeout(resolve));
      assertEquals(escaped, []);
    } finally {
      process.off("unhandledRejection", note);
    }
  });
}

test("apply() and compact() continue when the clock throws", async () => {
  await using directory = await temporaryDirectory();
  let broken = false;
  const clock = () => {
    if (broken) throw new Error("no time");
    return 5;
  };
  await using manager = await openLedger(directory.path, { clock, segmentSizeMax: 65_536 });
  await manager.apply(1);
  broken = true;
  assertEquals((await manager.apply(2)).sequence, 2);
  await manager.compact();
  assertEquals((await manager.apply(3)).sequence, 3);
  const changes = manager.changes({ from: 3 });
  assertEquals((await changes.next()).value?.timestamp, 0);
  await changes.return();
});

test("apply() retries a compaction after more and more refusals of a full disk, not after each", async () => {
  await using directory = await temporaryDirectory();
  let full = false;
  const fs = await wrapFs(({ name, path }) => {
    const takesSpace = name === "write" || name === "open" && path.includes(".snapshot.");
    if (full && takesSpace) throw systemError("ENOSPC");
  });
  let tried = 0;
  await using manager = await openLedger(directory.path, { fs, onCompactionError: () => tried++ });
  await manager.apply(0);
  full = true;
  const tries: number[] = [];
  for (let refusal = 1; refusal <= 25; refusal++) {
    const before = tried;
    await assertRejects(() => manager.apply(refusal), DiskFullError);
    // Queues after the compaction, if there is one.
    await manager.stateAt(1);
    if (tried > before) tries.push(refusal);
  }
  assertEquals(tries, [1, 3, 6, 11, 20]);
  full = false;
  await manager.apply(1);
  await manager.compact();
});

test("apply() waits for more journal each time before it retries a failed compaction", async () => {
  await using directory = await temporaryDirectory();
  let isRefused = true;
  const fs = await wrapFs(({ name, path }) => {
    if (isRefused && name === "open" && path.includes(".snapshot.")) throw systemError("EACCES");
  });
  let tried = 0;
  await using manager = await StateManager.open(
    directory.path,
    journalName,
    {
      initial: () => ({ last: 0 }),
      apply: (state: { last: number }, { n }: { n: number; filler: string }) => state.last = n,
    },
    { fs, compactionSize: 65_536, onCompactionError: () => tried++ },
  );
  const tries: number[] = [];
  for (let n = 1; tries.length < 7; n++) {
    const before = tried;
    await manager.apply({ n, filler: "x".repeat(1024 - 60) });
    // Queues after the compaction, if there is one.
    await manager.stateAt(1);
    if (tried > before) tries.push(n);
  }
  // In kilobytes, about: the whole size, then a sixteenth of it, an eighth, a quarter, a half, and so on.
  const gaps = tries.map((n, i) => n - (tries[i - 1] ?? 0));
  assertEquals(gaps.map((gap) => 2 ** Math.round(Math.log2(gap))), [64, 4, 8, 16, 32, 32, 32]);
  isRefused = false;
});

test("compactionError reports a failed automatic compaction when nobody listens", async () => {
  await using directory = await temporaryDirectory();
  let fails = false;
  const fs = await wrapFs(({ name, path }) => {
    if (fails && name === "rename" && path.includes(".snapshot.")) throw systemError("EIO");
  });
  await using manager = await openLedger(directory.path, { fs, compactionSize: 64 * 1024 });
  assertEquals(manager.compactionError, null);
  fails = true;
  for (let i = 0; i < 100; i++) await manager.apply("x".repeat(1000));
  // It has begun by then; it fails at its rename, however long that takes.
  await until(() => manager.compactionError !== null);
  assertEquals((manager.compactionError as { code?: string } | null)?.code, "IO_FAILED");
  assertEquals(manager.state.entries.length, manager.sequence);
});

test("a full disk starts no compaction when there is nothing to compact", async () => {
  await using directory = await temporaryDirectory();
  let full = false;
  const opened: string[] = [];
  const fs = await wrapFs(({ name, path }) => {
    if (name === "open") opened.push(path);
    if (full && name === "write") {
      full = false;
      throw systemError("ENOSPC");
    }
  });
  await using manager = await openLedger(directory.path, { fs });
  opened.length = 0;
  full = true;
  await assertRejects(() => manager.apply(1), Error, "the disk is full");
  assertEquals(opened, []);
  assertEquals((await manager.apply(2)).sequence, 1);
});
