// Tests what `recovery` reports: what was replayed, from where, what was cut and what was lost.

import { readFileSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { CorruptionError } from "@ministate/ministate";
import { assertFails } from "../support/errors.ts";
import { fileName, rewrite } from "../support/files.ts";
import { openLedger } from "../support/samples.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { until } from "../support/until.ts";

const clean = {
  created: false,
  snapshot: null,
  snapshotsSkipped: [],
  replayed: 0,
  sequence: 0,
  segmentsRead: 0,
  sealed: false,
  torn: null,
  lost: null,
  superseded: [],
  placeChecked: true,
  lockFileDamage: null,
  migratedFrom: null,
};

test("recovery reports a new directory, a clean close, and a snapshot", async () => {
  await using directory = await temporaryDirectory();
  {
    await using manager = await openLedger(directory.path);
    assertEquals(manager.recovery, { ...clean, created: true });
    await manager.applyAll([1, 2, 3]);
  }
  const path = directory.join(fileName("snapshot", 3));
  {
    await using manager = await openLedger(directory.path);
    const replayed = { replayed: 3, sequence: 3, segmentsRead: 1, sealed: true };
    assertEquals(manager.recovery, { ...clean, ...replayed });
    await manager.createSnapshot();
    await manager.apply(4);
  }
  await using manager = await openLedger(directory.path);
  const replayed = { replayed: 1, sequence: 4, segmentsRead: 1, sealed: true };
  assertEquals(manager.recovery, { ...clean, snapshot: { path, sequence: 3 }, ...replayed });
});

for (const tail of ['[3,"half', '[3,"a"]\n[4,"b",2,0,"00000000"]\n', "\0\0\0\0", "garbage\n\n\n"]) {
  test(`recovery reports a torn tail that was cut and where it is kept, when it is ${JSON.stringify(tail)}`, async () => {
    await using directory = await temporaryDirectory();
    const segment = directory.join(fileName("wal", 1));
    {
      await using manager = await openLedger(directory.path);
      await manager.applyAll([1, 2]);
    }
    // As a crash leaves it: without the seal of a clean close.
    const sealed = await readFile(segment, "utf8");
    const offset = sealed.indexOf('{"seal"');
    await truncate(segment, offset);
    await appendFile(segment, tail);
    {
      await using manager = await openLedger(directory.path);
      const { torn } = manager.recovery;
      assert(torn !== null);
      assertEquals(torn.path, segment);
      assertEquals(torn.offset, offset);
      assertEquals(torn.size, tail.trimEnd().length);
      assertEquals(torn.sequence, 3);
      assert(torn.reason.length > 10);
      assertEquals(await readFile(torn.keptAt!, "utf8"), tail.trimEnd());
      assertEquals(manager.snapshot(), { entries: [1, 2] });
      await manager.apply(3);
    }
    await using manager = await openLedger(directory.path);
    assertEquals(manager.recovery.torn, null);
    assertEquals(manager.snapshot(), { entries: [1, 2, 3] });
  });
}

test("recovery reports which sequences were lost when damage is quarantined", async () => {
  await using directory = await temporaryDirectory();
  const segment = directory.join(fileName("wal", 1));
  {
    await using manager = await openLedger(directory.path);
    for (const word of ["one", "two", "three", "four"]) await manager.apply(word);
  }
  await rewrite(segment, (text) => text.replace('"two"', '"owt"'));
  const damaged = await readFile(segment, "utf8");
  const error = await assertFails(() => openLedger(directory.path), {
    error: CorruptionError,
    code: "CORRUPT",
    says: /offset \d+.*2 to 4.*Nothing was changed.*ministate repair/,
  });
  assertEquals((error as CorruptionError).lost, { sequenceFirst: 2, sequenceLast: 4 });
  assertEquals(error.path, segment);
  assertEquals(error.offset, damaged.indexOf("[2,"));
  assertEquals(error.sequence, 2);
  assertEquals(await readFile(segment, "utf8"), damaged);
  {
    await using manager = await openLedger(directory.path, { onCorruption: "quarantine" });
    const { lost } = manager.recovery;
    assert(lost !== null);
    assertEquals([lost.sequenceFirst, lost.sequenceLast], [2, 4]);
    assertEquals([lost.path, lost.offset], [segment, error.offset]);
    assertEquals(lost.quarantined.length, 1);
    assertEquals(await readFile(lost.quarantined[0]!, "utf8"), damaged);
    assertEquals(manager.snapshot(), { entries: ["one"] });
    assertEquals((await manager.apply("again")).sequence, 2);
    const kept = await readdir(directory.join("quarantine"));
    const report = kept.find((name) => name.endsWith(".json"))!;
    const written = JSON.parse(await readFile(directory.join("quarantine", report), "utf8"));
    assertEquals([written.sequenceFirst, written.sequenceLast], [2, 4]);
  }
  await using manager = await openLedger(directory.path);
  assertEquals(manager.recovery.lost, null);
  assertEquals(manager.snapshot(), { entries: ["one", "again"] });
});

test("sealAfterIdleMs writes a seal only when no mutation came", async () => {
  await using directory = await temporaryDirectory();
  const manager = await openLedger(directory.path, { sealAfterIdleMs: 30 });
  await manager.apply(1);
  const segment = directory.join(fileName("wal", 1));
  // Read synchronously: no timer runs before the next turn of the event loop, however busy the machine is.
  assert(!readFileSync(segment, "utf8").includes("seal"));
  await until(() => readFileSync(segment, "utf8").includes('{"seal":1'));
  {
    await using reader = await openLedger(directory.path, { readOnly: true });
    assertEquals(reader.recovery.sealed, true);
  }
  await manager.apply(2);
  const unsealed = readFileSync(segment);
  await mkdir(directory.join("then"));
  await writeFile(directory.join("then", fileName("wal", 1)), unsealed);
  {
    await using reader = await openLedger(directory.join("then"), { readOnly: true });
    assertEquals(reader.recovery.sealed, false);
    assertEquals(reader.sequence, 2);
  }
  await manager.close();
  await using again = await openLedger(directory.path);
  assertEquals(again.snapshot(), { entries: [1, 2] });
});
