// Tests what is set aside under which name, how much of it is kept, and what happens when that fails.

import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { Journal } from "@ministate/ministate/journal";
import { checksumOf, fileName, rewrite } from "../support/files.ts";
import { journalName, openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { systemError, wrapFs } from "../support/wrapped_fs.ts";
import { crc32 } from "node:zlib";

const wal = (sequence: number) => fileName("wal", sequence);
const snapshot = (sequence: number) => fileName("snapshot", sequence);

/** Segments from 1, 3 and 5 with two mutations each, snapshots of sequence 2 and 4, a seal. */
async function makeState(path: string): Promise<void> {
  await using manager = await openLedger(path, { compaction: "manual" });
  for (let i = 1; i <= 6; i++) {
    await manager.apply({ number: i });
    if (i === 2 || i === 4) await manager.createSnapshot();
  }
}

const damage = (path: string, number: number) =>
  rewrite(path, (text) => text.replace(`"number":${number}`, '"number":"x"'));

const quarantine = { onCorruption: "quarantine" as const };

test("open() keeps the latest sixteen torn tails, and always the one it has just cut", async () => {
  await using directory = await temporaryDirectory();
  const folder = directory.join("quarantine");
  const kept = async () => (await readdir(folder)).length;
  for (let i = 0; i < 18; i++) {
    const manager = await openLedger(directory.path);
    await manager.apply(i);
    await manager.close();
    await appendFile(directory.join(wal(1)), `[${i + 2},{to`);
  }
  await openLedger(directory.path).then((manager) => manager.close());
  assertEquals(await kept(), 16);
  const offsets = (await readdir(folder)).map((name) => Number(name.split("torn-")[1]));
  // Eighteen were cut, each after the one before: the first two are gone.
  assertEquals(Math.min(...offsets) > 250, true);
  // A clock or a card from elsewhere: tails of later segments are there already.
  await rm(folder, { recursive: true });
  await mkdir(folder);
  for (let i = 1; i <= 17; i++) await writeFile(`${folder}/${wal(99)}.torn-${i}`, "later");
  await appendFile(directory.join(wal(1)), "[19,{to");
  await using manager = await openLedger(directory.path);
  assertEquals(await readFile(manager.recovery.torn!.keptAt!, "utf8"), "[19,{to");
  assertEquals(await kept(), 17);
});

test("open() deletes the oldest torn tail by its place in the journal, and nothing else", async () => {
  await using directory = await temporaryDirectory();
  await openLedger(directory.path).then((manager) => manager.close());
  const folder = directory.join("quarantine");
  await mkdir(`${folder}/${wal(1)}.torn-1`, { recursive: true });
  const tails = [...Array.from({ length: 15 }, (_, i) => `${wal(1)}.torn-${1000 + i}`)];
  const oldest = `${wal(1)}.torn-99`;
  const copy = `${wal(1)}.torn-0.bak`;
  for (const name of [...tails, oldest, copy]) await writeFile(`${folder}/${name}`, "torn");
  await appendFile(directory.join(wal(1)), "[1,{to");
  await using manager = await openLedger(directory.path);
  const cut = manager.recovery.torn!.keptAt!.split("/").at(-1)!;
  assertEquals(Number(cut.split("torn-")[1]) > 99, true);
  const left = (await readdir(folder)).sort();
  assertEquals(left, [...tails, cut, copy, `${wal(1)}.torn-1`].sort());
});

test("open() refuses to carry a torn tail through a link named quarantine", async () => {
  await using directory = await temporaryDirectory();
  const [state, elsewhere] = [directory.join("state"), directory.join("elsewhere")];
  await openLedger(state).then((manager) => manager.close());
  await mkdir(elsewhere);
  await symlink(elsewhere, `${state}/quarantine`);
  // A directory of another name is not taken for it.
  await mkdir(`${state}/lost+found`);
  await appendFile(`${state}/${wal(1)}`, "[1,{to");
  const error = await assertRejects(() => openLedger(state), IoError);
  assertEquals(error.systemCode, "ELOOP");
  assertEquals(await readdir(elsewhere), []);
});

test("open() gives each file it sets aside a unique name", async () => {
  await using directory = await temporaryDirectory();
  for (let round = 1; round <= 3; round++) {
    const manager = await openLedger(directory.path, quarantine);
    await manager.applyAll([{ number: round }]);
    await manager.apply("next");
    await manager.close();
    await damage(directory.join(wal(1)), round);
  }
  await using manager = await openLedger(directory.path, quarantine);
  assertEquals(manager.recovery.lost?.quarantined[0], directory.join("quarantine", `${wal(1)}.3`));
  assertEquals((await readdir(directory.join("quarantine"))).sort(), [
    "lost-from-1.json",
    "lost-from-1.json.2",
    "lost-from-1.json.3",
    wal(1),
    `${wal(1)}.2`,
    `${wal(1)}.3`,
  ]);
});

test("open() starts over after a snapshot when the only segment left is damaged before it", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.path);
  await rm(directory.join(wal(5)));
  await damage(directory.join(wal(3)), 3);
  {
    await using reader = await openLedger(directory.path, { ...quarantine, readOnly: true });
    const { sequenceFirst, quarantined } = reader.recovery.lost!;
    assertEquals([sequenceFirst, quarantined, reader.sequence], [5, [], 4]);
  }
  {
    await using manager = await openLedger(directory.path, quarantine);
    assertEquals([manager.sequence, manager.recovery.lost?.sequenceFirst], [4, 5]);
    assertEquals((await manager.apply("five")).sequence, 5);
  }
  await using manager = await openLedger(directory.path);
  assertEquals([manager.recovery.lost, manager.sequence], [null, 5]);
});

test("open() starts over when the journal's beginning is missing, and moves the rest aside", async () => {
  await using directory = await temporaryDirectory();
  await makeState(directory.path);
  for (const name of [wal(1), snapshot(2), snapshot(4)]) await rm(directory.join(name));
  await using manager = await openLedger(directory.path, quarantine);
  const { sequenceFirst, sequenceLast, quarantined } = manager.recovery.lost!;
  assertEquals([sequenceFirst, sequenceLast, quarantined.length], [1, 6, 2]);
  assertEquals((await manager.apply("one")).sequence, 1);
});

test("open() names the highest sequence that later segments mention", async () => {
  const cases: [string, (path: string) => Promise<void>, number][] = [
    ["a record of the last one", (path) => damage(path, 6), 6],
    [
      "a line that says nothing",
      (path) => rewrite(path, (text) => text.split("\n")[0] + "\nx\n"),
      4,
    ],
    ["its header", (path) => rewrite(path, (text) => text.replace("format", "farmat")), 4],
  ];
  for (const [name, change, wanted] of cases) {
    await using directory = await temporaryDirectory();
    await makeState(directory.path);
    for (const sequence of [2, 4]) await rm(directory.join(snapshot(sequence)));
    await damage(directory.join(wal(1)), 1);
    await change(directory.join(wal(5)));
    await using manager = await openLedger(directory.path, quarantine);
    const { sequenceFirst, sequenceLast } = manager.recovery.lost!;
    assertEquals([sequenceFirst, sequenceLast], [1, wanted], name);
  }
});

test("open() continues when a rotten snapshot can't be moved, unless its sequences are used again", async () => {
  await using directory = await temporaryDirectory();
  const [stays, matters] = [directory.join("stays"), directory.join("matters")];
  const fs = await wrapFs(({ name, path }) => {
    if (name === "rename" && path.includes(".snapshot.")) throw systemError("EACCES");
  });
  for (const path of [stays, matters]) {
    await makeState(path);
    await damage(`${path}/${snapshot(4)}`, 2);
  }
  {
    await using manager = await openLedger(stays, { fs });
    assertEquals(manager.recovery.snapshotsSkipped[0]?.path, `${stays}/${snapshot(4)}`);
    assertEquals(manager.sequence, 6);
  }
  for (const first of [3, 5]) await rm(`${matters}/${wal(first)}`);
  await assertRejects(() => openLedger(matters, { fs, ...quarantine }), IoError, "EACCES");
});

test("open() takes rubbish that looks like records for a torn tail", async () => {
  await using directory = await temporaryDirectory();
  await using manager = await openLedger(directory.path);
  await manager.apply("kept");
  await manager.close();
  const segment = directory.join(wal(1));
  const seed = checksumOf((await readFile(segment, "utf8")).split("\n")[0]!);
  // Its checksum is right, but its lines contradict each other: no writer produces that.
  const body = '[2,"a"]\n[9,"b",1,5,';
  const batch = `${body}"${crc32(body, seed).toString(16).padStart(8, "0")}"]\n`;
  for (const tail of [batch, "[999999999999999,1]\n"]) {
    await appendFile(segment, tail);
    await using again = await openLedger(directory.path);
    assertEquals([again.sequence, again.recovery.lost], [1, null]);
    assertEquals(again.recovery.torn!.size >= tail.trimEnd().length, true);
  }
});

test("open() skips parent directories that it may not sync, and fails when the disk fails", async () => {
  await using directory = await temporaryDirectory();
  const base = await wrapFs(() => {});
  const open = (code: string, name: string) => {
    const fs = {
      ...base,
      async syncDirectory(path: string) {
        if (path === directory.path) throw systemError(code);
        await base.syncDirectory(path);
      },
    };
    return Journal.open(directory.join(name), journalName, { fs });
  };
  for (const code of ["EACCES", "EPERM", "EINVAL", "ENOENT"]) {
    await using journal = await open(code, code);
    assertEquals((await journal.append(1)).sequence, 1);
  }
  await assertRejects(() => open("EIO", "EIO"), IoError, "EIO");
});
