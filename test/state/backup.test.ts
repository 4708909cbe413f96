// Tests backup() and plain copies: each opens with the state of one sequence, and an unfinished one never opens.

import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CorruptionError, IoError, MinistateError } from "@ministate/ministate";
import { runHere } from "../support/command_in_process.ts";
import { assertFails, failureOf } from "../support/errors.ts";
import { fileName, rewrite } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";

const runProgram = promisify(execFile);
const damageFound = { error: CorruptionError, code: "CORRUPT", says: /^Cannot back up.*verify/ };
const numbers = (to: number) => Array.from({ length: to }, (_, i) => i + 1);

test("backup() copies a state that opens the same, with its history", async () => {
  await using directory = await temporaryDirectory();
  const target = directory.join("deep", "er", "backup");
  {
    await using manager = await openLedger(directory.join("state"));
    await manager.applyAll([1, 2, 3]);
    await manager.createSnapshot();
    await manager.applyAll([4, 5]);
    const report = await manager.backup(target);
    assertEquals(report.sequence, 5);
    assertEquals(report.directory, target);
    assertEquals(report.files, 3);
    await manager.apply("later");
  }
  const files = (await readdir(target)).filter((name) => name.startsWith("test-"));
  assertEquals(files.length, 3);
  for (const name of files) assertEquals((await stat(`${target}/${name}`)).mode & 0o777, 0o600);
  await using copy = await openLedger(target);
  assertEquals(copy.snapshot(), { entries: [1, 2, 3, 4, 5] });
  assertEquals(copy.recovery.torn, null);
  assertEquals(await copy.stateAt(2), { entries: [1, 2] });
  assertEquals((await copy.apply(6)).sequence, 6);
});

test("backup() opens at its sequence when taken while mutations and compactions continue", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.join("state"), { segmentSizeMax: 65_536 });
  let isOver = false;
  const filler = "x".repeat(200);
  const writing = (async () => {
    for (let i = 1; !isOver; i += 4) {
      await Promise.all([0, 1, 2, 3].map((n) => manager.apply({ i: i + n, filler })));
      if (i % 200 === 1) await manager.compact();
    }
  })();
  for (let n = 1; n <= 6; n++) {
    const target = directory.join(`backup${n}`);
    const before = manager.sequence;
    const { sequence } = await manager.backup(target);
    assert(sequence >= before && sequence <= manager.sequence);
    await using copy = await openLedger(target);
    assertEquals(copy.sequence, sequence);
    const entries = copy.snapshot().entries as { i: number }[];
    assertEquals(entries.map(({ i }) => i), numbers(sequence));
  }
  isOver = true;
  await writing;
});

test("backup() from a read-only manager copies what it read", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.join("state"));
    await manager.applyAll([1, 2]);
  }
  await using reader = await openLedger(directory.join("state"), { readOnly: true });
  assertEquals((await reader.backup(directory.join("backup"))).sequence, 2);
  await using copy = await openLedger(directory.join("backup"));
  assertEquals(copy.snapshot(), { entries: [1, 2] });
});

test("backup() refuses a target that holds a state, or anything else", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.join("state"));
  await manager.apply(1);
  await manager.backup(directory.join("backup"));
  await mkdir(directory.join("full"));
  await writeFile(directory.join("full", "photo.jpg"), "mine");
  await writeFile(directory.join("file"), "mine");
  for (const target of ["backup", "full", "file"]) {
    await assertFails(() => manager.backup(directory.join(target)), {
      error: IoError,
      code: "IO_FAILED",
      says: /back up.*new or empty|make the directory/,
    });
  }
  assertEquals(await readFile(directory.join("full", "photo.jpg"), "utf8"), "mine");
  assertEquals((await manager.apply(2)).sequence, 2);
});

test("backup() of a damaged state fails, and what it leaves does not open", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.join("state"));
    await manager.applyAll(["one", "two"]);
    await manager.createSnapshot();
    await manager.apply("three");
  }
  await using manager = await openLedger(directory.join("state"));
  await rewrite(
    directory.join("state", fileName("wal", 3)),
    (text) => text.replace("three", "tree"),
  );
  const error = await failureOf(() => manager.backup(directory.join("backup")));
  assert(error instanceof MinistateError && error.code === "CORRUPT", String(error));
  const options = { create: false };
  await assertRejects(() => openLedger(directory.join("backup"), options), MinistateError);
});

for (const [what, part] of [["first line is", '"first"'], ["records are", "one"]] as const) {
  test(`backup() leaves out a segment that no snapshot needs when its ${what} damaged`, async () => {
    await using directory = await temporaryDirectory();
    {
      await using manager = await openLedger(directory.join("state"));
      await manager.applyAll(["one", "two"]);
      await manager.createSnapshot();
      await manager.apply("three");
    }
    await using manager = await openLedger(directory.join("state"));
    await rewrite(
      directory.join("state", fileName("wal", 1)),
      (text) => text.replace(part, part.toUpperCase()),
    );
    assertEquals((await manager.backup(directory.join("backup"))).files, 2);
    await using copy = await openLedger(directory.join("backup"));
    assertEquals(copy.snapshot(), { entries: ["one", "two", "three"] });
  });
}

test("a backup() cut short anywhere never opens as a shorter state", async () => {
  for (let failAt = 1;; failAt++) {
    await using directory = await temporaryDirectory();
    let renames = 0;
    const fs = await wrapFs(({ name, path }) => {
      if (name === "rename" && path.includes("backup") && ++renames === failAt) {
        throw systemError("EIO");
      }
    });
    {
      await using manager = await openLedger(directory.join("state"), { fs });
      for (let i = 1; i <= 6; i++) {
        await manager.apply(i);
        await manager.compact();
      }
      await manager.apply(7);
      const outcome = await manager.backup(directory.join("backup")).catch((error) => error);
      if (!(outcome instanceof Error)) break;
    }
    const outcome = await failureOf(async () => {
      await using copy = await openLedger(directory.join("backup"));
      // Nothing at all, or everything: what is between is refused.
      assert(
        [0, 7].includes(copy.sequence),
        `opened at ${copy.sequence} after ${failAt - 1} files`,
      );
      throw new MinistateError("OPENED", "");
    });
    assert(outcome instanceof MinistateError, String(outcome));
    assert(failAt < 20);
  }
});

test("a plain copy of a live state opens at an acknowledged prefix", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.join("state"), { compaction: "manual" });
  let isOver = false;
  let sent = 0;
  const writing = Promise.all([1, 2, 3].map(async () => {
    while (!isOver) await manager.apply(++sent);
  }));
  for (let n = 1; n <= 5; n++) {
    const acknowledged = manager.sequence;
    await runProgram("cp", ["-r", directory.join("state"), directory.join(`copy${n}`)]);
    await using copy = await openLedger(directory.join(`copy${n}`));
    assert(
      copy.sequence >= acknowledged && copy.sequence <= sent,
      `${acknowledged} ${copy.sequence}`,
    );
    assertEquals(copy.snapshot().entries, numbers(copy.sequence));
  }
  isOver = true;
  await writing;
});

test("backup() refuses a journal that was damaged since it was opened, and copies no rotten snapshot", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  {
    await using manager = await openLedger(state, { compaction: "manual" });
    for (const n of numbers(3)) {
      await manager.apply(n);
      await manager.createSnapshot();
    }
    for (const n of numbers(3)) await manager.apply(n);
  }
  await using reader = await openLedger(state, { readOnly: true });
  const snapshots = (await readdir(state)).filter((name) => name.includes(".snapshot.")).sort();
  await flipByte(`${state}/${snapshots[0]}`, 150);
  const report = await reader.backup(directory.join("sound"));
  const copied = await readdir(directory.join("sound"));
  assertEquals(report.sequence, 6);
  assertEquals(snapshots.map((name) => copied.includes(name)), [false, true, true]);

  // In the first of three records after the header: the later two prove that it had been acknowledged.
  await flipByte(
    reader.journalPath,
    (await readFile(reader.journalPath, "utf8")).indexOf("\n") + 4,
  );
  const error = await failureOf(() => reader.backup(directory.join("damaged")));
  assertEquals((error as MinistateError).code, "CORRUPT");
  assertEquals((error as MinistateError).sequence, 4);
});

async function flipByte(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset]! ^= 1;
  await writeFile(path, bytes);
}

test("backup() of a sound state succeeds while every other mutation begins a new segment", async () => {
  await using directory = await temporaryDirectory();
  const options = { segmentSizeMax: 65_536, compaction: "manual" } as const;
  await using manager = await openLedger(directory.join("state"), options);
  let isOver = false;
  const writing = (async () => {
    while (!isOver) await manager.apply("x".repeat(40_000));
  })();
  for (let n = 1; n <= 4; n++) {
    const { sequence } = await manager.backup(directory.join(`backup${n}`));
    await using copy = await openLedger(directory.join(`backup${n}`));
    assertEquals(copy.sequence, sequence);
  }
  isOver = true;
  await writing;
});

/** A state, and a file system whose reader meets compactions: `compacting` says before which of its operations. */
async function besideCompactions(path: string, compacting: (operation: string) => boolean) {
  const options = { compaction: "manual" } as const;
  const manager = await openLedger(path, options);
  const advance = async () => {
    await manager.apply(manager.sequence + 1);
    await manager.compact();
  };
  for (let i = 0; i < 3; i++) await advance();
  const fs = await wrapFs(async ({ name, path: file }) => {
    if (file.startsWith(`${path}/`) && compacting(name)) await advance();
  });
  return { manager, fs };
}

test("backup() by a reader copies what it has seen, however often the writer compacts meanwhile", async () => {
  await using directory = await temporaryDirectory();
  let isOn = false;
  const { manager, fs } = await besideCompactions(
    directory.join("state"),
    (operation) => isOn && operation === "read",
  );
  const reader = await openLedger(directory.join("state"), { readOnly: true, fs });
  isOn = true;
  const { sequence } = await reader.backup(directory.join("library"));
  assert(sequence >= 3);
  const before = manager.sequence;
  const { code, errors } = await runHere(
    ["backup", directory.join("state"), directory.join("command")],
    { fs },
  );
  assertEquals([code, errors], [0, ""]);
  isOn = false;
  for (const [name, least] of [["library", 3], ["command", before]] as const) {
    await using copy = await openLedger(directory.join(name));
    assert(copy.sequence >= least);
    assertEquals(copy.snapshot().entries, numbers(copy.sequence));
  }
  await manager.close();
});

test("backup() by a reader lists again when a file is deleted before it is opened", async () => {
  await using directory = await temporaryDirectory();
  let left = 0;
  const { manager, fs } = await besideCompactions(
    directory.join("state"),
    (operation) => operation === "open" && left-- > 0,
  );
  const reader = await openLedger(directory.join("state"), { readOnly: true, fs });
  left = 40;
  const { sequence } = await reader.backup(directory.join("copy"));
  await using copy = await openLedger(directory.join("copy"));
  assertEquals([copy.sequence, left < 0], [sequence, true]);
  // Not forever.
  left = Infinity;
  const error = await assertFails(() => reader.backup(directory.join("never")), {
    error: IoError,
    code: "IO_FAILED",
    says: /^Cannot open .*ENOENT/,
  });
  assertEquals(error.systemCode, "ENOENT");
  left = 0;
  await manager.close();
});

test("backup() copies no other journal's snapshot or segment", async () => {
  await using directory = await temporaryDirectory();
  {
    await using other = await openLedger(directory.join("other"), { compaction: "manual" });
    for (const n of numbers(4)) {
      await other.apply(-n);
      if (n === 2 || n === 4) await other.createSnapshot();
    }
  }
  await using manager = await openLedger(directory.join("state"), { compaction: "manual" });
  await manager.applyAll(numbers(3));
  await manager.createSnapshot();
  await manager.applyAll([4, 5]);
  for (const sequence of [2, 4]) {
    const name = fileName("snapshot", sequence);
    await copyFile(directory.join("other", name), directory.join("state", name));
  }
  const report = await manager.backup(directory.join("copy"));
  const copied = (await readdir(directory.join("copy"))).filter((name) =>
    name.includes(".snapshot.")
  );
  assertEquals([copied, report.sequence], [[fileName("snapshot", 3)], 5]);
  await using copy = await openLedger(directory.join("copy"));
  assertEquals(copy.snapshot().entries, numbers(5));
  await copyFile(
    directory.join("other", fileName("wal", 3)),
    directory.join("state", fileName("wal", 4)),
  );
  const error = await failureOf(() => manager.backup(directory.join("again")));
  assertEquals((error as MinistateError).code, "CORRUPT");
});

test("backup() refuses the quarantine of a state directory, and creates nothing there", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.join("state"));
  await using other = await openLedger(directory.join("other"));
  await manager.apply(1);
  await mkdir(directory.join("state", "sub"));
  const targets = [
    ["state", "quarantine"],
    ["state", "quarantine/"],
    ["state", "sub", "..", ".", "quarantine", "deep"],
    ["other", "quarantine"],
  ];
  for (const parts of targets) {
    const error = await assertFails(() => manager.backup([directory.path, ...parts].join("/")), {
      error: IoError,
      code: "IO_FAILED",
      says: /keeps its damaged files there.*choose another directory/,
    });
    assertEquals([error.path?.includes("quarantine"), error.operation], [true, "back up to"]);
    const target = directory.join("state", "quarantine");
    const { code, errors } = await runHere(["backup", other.stateDir, target]);
    assertEquals([code, errors.includes("choose another directory")], [5, true]);
  }
  for (const name of ["state", "other"]) {
    assertEquals((await readdir(directory.join(name))).includes("quarantine"), false);
  }
  // An unrelated folder of that name: in a directory that exists, in one that doesn't, and alone in one.
  await mkdir(directory.join("nobody", "quarantine"), { recursive: true });
  for (const parts of [[], ["missing"], ["nobody"]]) {
    assertEquals((await manager.backup(directory.join(...parts, "quarantine"))).sequence, 1);
  }
});

test("backup() says what is lost of a state that has no beginning, or was damaged since a reader opened it", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("state");
  {
    await using manager = await openLedger(path, { compaction: "manual" });
    await manager.apply(1);
  }
  await using reader = await openLedger(path, { readOnly: true });
  {
    await using manager = await openLedger(path, { compaction: "manual" });
    for (const n of [2, 3, 4]) await manager.apply({ n });
    await manager.createSnapshot();
    await manager.apply(5);
  }
  await rm(directory.join("state", fileName("snapshot", 4)));
  await rewrite(directory.join("state", fileName("wal", 5)), (text) => text.replace("[5,", "[5.,"));
  const torn = await assertFails(() => reader.backup(directory.join("torn")), damageFound);
  assertEquals([torn.sequence, (torn as CorruptionError).lost], [5, {
    sequenceFirst: 5,
    sequenceLast: null,
  }]);
  await rewrite(directory.join("state", fileName("wal", 5)), (text) => text.replace("[5.,", "[5,"));
  await rewrite(
    directory.join("state", fileName("wal", 1)),
    (text) => text.replace('"n":3', '"n":9'),
  );
  const damaged = await assertFails(() => reader.backup(directory.join("damaged")), damageFound);
  assertEquals([damaged.sequence, (damaged as CorruptionError).lost?.sequenceFirst], [3, 3]);
  await rm(directory.join("state", fileName("wal", 1)));
  const headless = await assertFails(() => reader.backup(directory.join("headless")), damageFound);
  assertEquals([headless.sequence, (headless as CorruptionError).lost], [1, {
    sequenceFirst: 1,
    sequenceLast: 4,
  }]);
});

test("backup() fails when there is no segment that could be opened beside the snapshots", async () => {
  await using directory = await temporaryDirectory();
  const state = directory.join("state");
  {
    await using manager = await openLedger(state);
    for (const mutation of ["one", "two"]) {
      await manager.apply(mutation);
      await manager.compact();
    }
    await manager.apply("three");
    await manager.compact();
  }
  // As FAT leaves a segment that got its name just before the power was cut.
  for (const name of await readdir(state)) {
    if (name === fileName("wal", 4)) await writeFile(directory.join("state", name), "");
    else if (name.includes(".wal.")) await rm(directory.join("state", name));
  }
  await using reader = await openLedger(state, { readOnly: true });
  assertEquals(reader.snapshot(), { entries: ["one", "two", "three"] });
  await assertRejects(() => reader.backup(directory.join("copy")), CorruptionError);
});
