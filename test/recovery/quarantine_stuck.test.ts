// Tests how open() handles a quarantine folder or a lock file that only fsck can repair.

import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { IoError } from "@ministate/ministate";
import { inspectState } from "../../src/recovery/inspect.ts";
import { badDisk } from "../support/bad_disk.ts";
import {
  damage,
  DIRECTORY,
  kept,
  makeState,
  open,
  pathOf,
  quarantine,
  snapshot,
  wal,
} from "../support/rotten_inodes.ts";
import { journalName } from "../support/samples.ts";

const FIRST = `${DIRECTORY}/quarantine`;
const SECOND = `${DIRECTORY}/quarantine-2`;

/** A damaged state that has a quarantine already. */
async function makeDamaged() {
  const disk = await makeState();
  await disk.makeDirectory(FIRST);
  disk.plant(`${FIRST}/earlier`, new Uint8Array(3));
  damage(snapshot(2), '"2"')(disk);
  damage(wal(5), '"6"')(disk);
  return disk;
}

for (const code of ["EBADMSG", "EUCLEAN", "EIO"]) {
  test(`open() sets damage aside in another folder when the quarantine fails with ${code}`, async () => {
    const disk = await makeDamaged();
    const { fs } = badDisk(disk, { part: /\/quarantine(\/|$)/, code });
    {
      await using manager = await open(fs, quarantine);
      const { lost } = manager.recovery;
      assertEquals([kept(manager), lost?.quarantined], ["12345", [`${SECOND}/${wal(5)}`]]);
      await manager.apply("6");
      // Damaged files of this state go there, so it is not a place for a backup.
      for (const inside of [SECOND, `${SECOND}/copy`]) {
        await assertRejects(() => manager.backup(inside), IoError, "keeps its damaged files there");
      }
    }
    const { quarantine: aside, findings, verdict } = await inspectState(fs, DIRECTORY, journalName);
    assertEquals(aside.map(({ name }) => name), [
      "quarantine-2/lost-from-6.json",
      `quarantine-2/${wal(5)}`,
    ]);
    assertEquals([findings.at(-1)?.path, findings.at(-1)?.severity], [FIRST, "notice"]);
    assertEquals(verdict, "corrupt");
    // After fsck, both count.
    const mended = await inspectState(disk, DIRECTORY, journalName);
    assertEquals(mended.quarantine.map(({ name }) => name), [
      "earlier",
      ...aside.map(({ name }) => name),
    ]);
    assertEquals(mended.findings.map(({ path }) => path), [pathOf(snapshot(2))]);
  });
}

test("open() keeps a torn tail in another folder when the quarantine's inode is rotten", async () => {
  const disk = await makeState();
  await open(disk).then((manager) => manager.close());
  const path = pathOf(wal(5));
  const text = new TextDecoder().decode(disk.peek(path)!);
  disk.plant(path, new TextEncoder().encode(`${text}[7,"torn`));
  const { fs } = badDisk(disk, { part: /\/quarantine(-2)?(\/|$)/, code: "EBADMSG" });
  await using manager = await open(fs);
  const kept = `${DIRECTORY}/quarantine-3/${wal(5)}.torn-${text.length}`;
  assertEquals([manager.recovery.torn?.keptAt, disk.peek(kept)?.length], [kept, 8]);
});

test("open() refuses damage, with nothing moved, when no quarantine can be used", async () => {
  const disk = await makeDamaged();
  const before = disk.paths(DIRECTORY);
  const { fs } = badDisk(disk, { part: /\/quarantine/, code: "EUCLEAN" });
  const error = await assertRejects(() => open(fs, quarantine), IoError);
  assertEquals([error.systemCode, error.path, disk.paths(DIRECTORY)], ["EUCLEAN", FIRST, before]);
});

test("inspectState() notes a lock file that only fsck can repair", async () => {
  const disk = await makeState();
  const sound = await inspectState(disk, DIRECTORY, journalName);
  assertEquals([sound.findings, sound.verdict], [[], "sound"]);
  const { fs } = badDisk(disk, { part: "ministate.lock", code: "EBADMSG" });
  const { findings, verdict } = await inspectState(fs, DIRECTORY, journalName);
  assertEquals(findings.map(({ path, severity, needed }) => [path, severity, needed]), [
    [`${DIRECTORY}/ministate.lock`, "notice", false],
  ]);
  assertEquals(verdict, "sound");
});
