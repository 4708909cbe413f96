// Tests `open` on a directory with something else in it: foreign files, newer formats, other journals and mutators.

import { appendFile, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  CorruptionError,
  ForeignFormatError,
  StateManager,
  TooNewError,
} from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { SnapshotStore } from "@ministate/ministate/snapshot";
import { detectFs } from "../../runtime/detect.ts";
import { findJournalName, isOwnName } from "../../src/disk/names.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { assertFails, type Failure } from "../support/errors.ts";
import { controlLine, fileName, segmentHeader, snapshotHeader } from "../support/files.ts";
import { journalName, ledger, openLedger } from "../support/samples.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary.ts";

/** Every file with its bytes, to show that nothing was changed. */
async function contents(path: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "ministate.lock") continue;
    files[entry.name] = await readFile(`${path}/${entry.name}`, "latin1");
  }
  return files;
}

const foreign: Omit<Failure, "says"> = { error: ForeignFormatError, code: "FOREIGN_FORMAT" };
const newer: Omit<Failure, "says"> = { error: TooNewError, code: "TOO_NEW" };
const corrupt: Omit<Failure, "says"> = { error: CorruptionError, code: "CORRUPT" };

interface Row {
  title: string;
  plant: Record<string, string>;
  failure: Failure;
}

const segment = fileName("wal", 1);
const crateJournal = '// MINISTORE JOURNAL v0.1.0\n{"by":1}\n{"by":2}\n';

const rows: Row[] = [
  {
    title: "a journal of the Rust crate has a name of ours",
    plant: { [segment]: crateJournal },
    failure: { ...foreign, says: /not written by this journal.*move it back/ },
  },
  {
    title: "JSON Lines of another program have a name of ours",
    plant: { [segment]: '{"level":"info"}\n{"level":"warn"}\n' },
    failure: { ...foreign, says: /move it back/ },
  },
  {
    title: "a snapshot is in place of a segment",
    plant: { [segment]: controlLine(snapshotHeader) },
    failure: { ...foreign, says: /move it back/ },
  },
  {
    title: "text of another program has a name of ours",
    plant: { [segment]: "Nov 22 boot\n" },
    failure: { ...corrupt, says: /first line is damaged/ },
  },
  {
    title: "an empty file has the name of a segment before others",
    plant: { [segment]: "", [fileName("wal", 5)]: "" },
    failure: { ...corrupt, says: /first line is damaged|empty/ },
  },
  {
    title: "zeros have a name of ours",
    plant: { [segment]: "\0".repeat(5000) },
    failure: { ...corrupt, says: /first line is damaged/ },
  },
  {
    title: "a segment is of format 2",
    plant: { [segment]: controlLine({ ...segmentHeader, format: 2 }) + "[1,2]\n" },
    failure: { ...newer, says: /format 2.*update ministate; nothing was changed/ },
  },
  {
    title: "a segment of format 2 has members that this version doesn't know",
    plant: { [segment]: controlLine({ ministate: "journal", format: 2, codec: "cbor" }) },
    failure: { ...newer, says: /format 2/ },
  },
  {
    title: "a snapshot is of format 2",
    plant: {
      [segment]: controlLine(segmentHeader),
      [fileName("snapshot", 1)]: controlLine({ ...snapshotHeader, format: 2 }),
    },
    failure: { ...newer, says: /snapshot.*format 2/ },
  },
  {
    title: "a newer version of the mutator wrote it",
    plant: { [segment]: controlLine({ ...segmentHeader, version: 2 }) },
    failure: { ...newer, says: /version 2 of the mutator.*update the program/ },
  },
  {
    title: "a mutator with a name wrote it",
    plant: { [segment]: controlLine({ ...segmentHeader, mutator: "lamps" }) },
    failure: { ...foreign, says: /the mutator "lamps".*its own mutator; nothing was changed/ },
  },
  {
    title: "another journal is in the directory",
    plant: { "other-0000000000000001.wal.jsonl": controlLine(segmentHeader) },
    failure: { ...foreign, says: /holds the journal "other\.wal\.jsonl".*one directory/ },
  },
  {
    title: "the sequence in a name is beyond all numbers",
    plant: { "test-9999999999999999.wal.jsonl": controlLine(segmentHeader) },
    failure: { ...foreign, says: /beyond 9007199254740991,.*move it out of the directory/ },
  },
  {
    title: "the sequence in a snapshot's name is beyond all numbers",
    plant: { "test-9007199254740991.snapshot.jsonl": controlLine(snapshotHeader) },
    failure: { ...foreign, says: /beyond 9007199254740990,.*move it out of the directory/ },
  },
  {
    title: "a segment was renamed to another sequence",
    plant: { [fileName("wal", 5)]: controlLine(segmentHeader) },
    failure: { ...corrupt, says: /missing/ },
  },
];

for (const { title, plant, failure } of rows) {
  test(`StateManager.open() fails with ${failure.code} when ${title}`, async () => {
    await using directory = await temporaryDirectory();
    for (const [name, text] of Object.entries(plant)) await writeFile(directory.join(name), text);
    const before = await contents(directory.path);
    for (const readOnly of [true, false]) {
      const error = await assertFails(() => openLedger(directory.path, { readOnly }), failure);
      assertStringIncludes(error.path!, directory.path);
      assertEquals(await contents(directory.path), before, "nothing may be changed");
    }
  });
}

async function makeTwo(directory: TemporaryDirectory): Promise<void> {
  for (const name of ["one", "two"]) {
    await using manager = await openLedger(directory.join(name));
    await manager.applyAll([name, name]);
    await manager.compact();
    await manager.apply(name);
  }
}

test("open() refuses a segment of another journal, and can set it aside", async () => {
  await using directory = await temporaryDirectory();
  await makeTwo(directory);
  const name = fileName("wal", 3);
  await copyFile(directory.join("two", name), directory.join("one", name));
  const one = directory.join("one");
  const before = await contents(one);
  await assertFails(() => openLedger(one), { ...foreign, says: /not written by this journal/ });
  assertEquals(await contents(one), before);
  await using manager = await openLedger(one, { onCorruption: "quarantine" });
  assertEquals(manager.recovery.lost?.sequenceFirst !== undefined, true);
  // From either start, nothing of the other journal got in.
  for (const entry of manager.snapshot().entries) assertEquals(entry, "one");
});

test("open() ignores a snapshot of another journal, says so, and loses nothing", async () => {
  await using directory = await temporaryDirectory();
  await makeTwo(directory);
  const one = directory.join("one");
  await copyFile(
    directory.join("two", fileName("snapshot", 2)),
    directory.join("one", fileName("snapshot", 3)),
  );
  await using manager = await openLedger(one);
  assertEquals(manager.snapshot(), { entries: ["one", "one", "one"] });
  assertEquals(manager.recovery.snapshotsSkipped.length, 1);
});

test("open() leaves files with other names alone", async () => {
  await using directory = await temporaryDirectory();
  const files = {
    "README.txt": "by hand",
    "test.wal.jsonl": "bare name",
    "test-1.wal.jsonl": "too few digits",
    "test-0000000000000001.wal.jsonl.bak": "a copy",
    ".hidden": "",
    "quarantine.txt": "",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(directory.join(name), text);
  {
    await using manager = await openLedger(directory.path);
    await manager.applyAll([1, 2]);
    await manager.compact();
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.snapshot(), { entries: [1, 2] });
  const found = await contents(directory.path);
  for (const [name, text] of Object.entries(files)) assertEquals(found[name], text);
});

/** What other programs leave beside our files, on cards and in folders that are shared. */
const strangers = [
  `._${fileName("wal", 1)}`,
  `._${fileName("snapshot", 2)}`,
  "._ministate.lock",
  `.${fileName("wal", 1)}.swp`,
  `${fileName("wal", 1)}~`,
  `${fileName("wal", 1)}.bak`,
  `#${fileName("wal", 1)}#`,
  `.#${fileName("wal", 1)}`,
  `.${fileName("wal", 1)}.Xb4kQz`,
  `.syncthing.${fileName("wal", 1)}.tmp`,
  `.syncthing.${fileName("snapshot", 2)}.tmp`,
  `~syncthing~${fileName("wal", 1)}.tmp`,
  `._${fileName("wal", 1)}.tmp`,
  "other-0000000000000001.wal.jsonl.tmp",
  "test-0000000000000001.wal.sync-conflict-20261126-101010-ABCDEFG.jsonl",
  "test-0000000000000001 (copy).wal.jsonl",
  "test-0000000000000001.wal (copy).jsonl",
  "test-0000000000000001 2.wal.jsonl",
  `Copy of ${fileName("wal", 1)}`,
  `Kopie von ${fileName("snapshot", 2)}`,
  `tést-0000000000000001.wal.jsonl`,
  `-${fileName("wal", 1)}`,
  `-0000000000000001.wal.jsonl`,
  ".DS_Store",
  "Thumbs.db",
  `${"n".repeat(129)}-0000000000000001.wal.jsonl`,
];

test("files that other programs leave beside ours affect no call, and stay unchanged", async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  const plant = async (folder: string) => {
    for (const name of strangers) {
      await writeFile(`${folder}/${name}`, `\0\x05\x16\x07 ${strangers.indexOf(name)}`);
    }
  };
  await plant(path);
  for (const folder of ["lost+found", ".Trash-1000", "._quarantine"]) {
    await mkdir(directory.join(folder));
  }
  // Before there is a state, and beside one.
  assertEquals(await findJournalName(await detectFs(), path), null);
  for (let round = 1; round <= 3; round++) {
    await using manager = await openLedger(path);
    assertEquals(manager.recovery.lost, null);
    await manager.apply(round);
    await manager.compact();
    await manager.apply(-round);
    const states = await manager.stateAt(manager.sequence);
    assertEquals(states, manager.snapshot());
    await manager.backup(directory.join(`copy${round}`));
    assertEquals((await readdir(directory.join(`copy${round}`))).filter(isStrange), []);
  }
  assertEquals(await findJournalName(await detectFs(), path), journalName);
  {
    await using reader = await openLedger(path, { readOnly: true });
    assertEquals(reader.snapshot(), { entries: [1, -1, 2, -2, 3, -3] });
    await using journal = await Journal.open(path, journalName, { onCorruption: "quarantine" });
    assertEquals(journal.sequence, 6);
  }
  await using store = await SnapshotStore.open(path, journalName);
  assertEquals((await store.restore())?.sequence, 5);
  const inspection = await inspectState(await detectFs(), path, journalName);
  assertEquals([inspection.verdict, inspection.temporary], ["sound", []]);
  const found = await contents(path);
  for (const name of strangers) {
    assertEquals(found[name], `\0\x05\x16\x07 ${strangers.indexOf(name)}`, name);
  }
  assertEquals(strangers.filter(isOwnName), ["other-0000000000000001.wal.jsonl.tmp"]);
});

function isStrange(name: string): boolean {
  return strangers.includes(name);
}

test("open() keeps the torn tails it has set aside, whatever a Mac puts beside them", async () => {
  await using directory = await temporaryDirectory();
  const folder = directory.join("quarantine");
  {
    await using manager = await openLedger(directory.path);
    await manager.apply(1);
  }
  await mkdir(folder);
  const tails = Array.from({ length: 15 }, (_, i) => `${fileName("wal", 1)}.torn-${i + 1}`);
  for (const name of tails) {
    await writeFile(`${folder}/${name}`, "tail");
    await writeFile(`${folder}/._${name}`, "Mac OS X");
  }
  await appendFile(directory.join(fileName("wal", 1)), "[2,torn");
  await using manager = await openLedger(directory.path);
  assertEquals(manager.recovery.torn?.keptAt?.startsWith(folder), true);
  const kept = await readdir(folder);
  for (const name of tails) {
    assertEquals([kept.includes(name), kept.includes(`._${name}`)], [true, true]);
  }
});

test("open() refuses a state when its mutator has a name and the one given has another or none", async () => {
  await using directory = await temporaryDirectory();
  const lamps = { ...ledger, name: "lamps" };
  const open = (mutator: typeof ledger & { name?: string }) =>
    StateManager.open(directory.path, journalName, mutator);
  {
    await using manager = await open(lamps);
    await manager.apply("on");
  }
  await assertFails(() => open(ledger), { ...foreign, says: /"lamps".*without a name/ });
  const doors = { ...ledger, name: "doors" };
  await assertFails(() => open(doors), { ...foreign, says: /"lamps".*"doors"/ });
  await using manager = await open(lamps);
  assertEquals(manager.snapshot(), { entries: ["on"] });
});

test("Journal.open() and SnapshotStore.open() refuse a directory of another journal", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path);
    await manager.apply(1);
  }
  const failure = { ...foreign, says: /one directory holds one journal/ };
  await assertFails(() => Journal.open(directory.path, "other"), failure);
  await assertFails(() => SnapshotStore.open(directory.path, "other"), failure);
  await using journal = await Journal.open(directory.path, journalName);
  assertEquals(journal.sequence, 1);
});
