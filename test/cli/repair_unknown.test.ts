// Tests `repair` of a state whose owner no file names any longer: it leaves nothing that would block a new state.

import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type DurableFs, StateManager } from "@ministate/ministate";
import { isPowerCut } from "../../testing/disk/disk_calls.ts";
import { crashImages } from "../../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";
import { setUnnamedAside } from "../../src/recovery/aside_unnamed.ts";
import { inspectState } from "../../src/recovery/inspect.ts";
import { StateDirectory } from "../../src/journal/state_directory.ts";
import { freshDisk } from "../../simulation/workloads.ts";
import { badDisk } from "../support/bad_disk.ts";
import { fileName } from "../support/files.ts";
import { journalName, ledger } from "../support/samples.ts";
import { systemError } from "../support/wrapped_fs.ts";
import { runHere } from "../support/command_in_process.ts";

const DIRECTORY = "/data/state";
const namedLedger = { ...ledger, name: "ledger" };
const segment = (sequence: number) => fileName("wal", sequence);
const snapshot = (sequence: number) => fileName("snapshot", sequence);

/** Three mutations in a segment each, snapshots of sequence 1 and 2; `damage` is done to the text of files by name. */
async function makeState(
  compactions: number,
  damage: Record<string, (text: string) => string>,
): Promise<PowerCutDisk> {
  const disk = freshDisk();
  const options = { fs: disk, compaction: "manual" as const };
  const manager = await StateManager.open(DIRECTORY, journalName, namedLedger, options);
  for (let i = 1; i <= 3; i++) {
    await manager.apply(i);
    if (i <= compactions) await manager.createSnapshot();
  }
  await manager.close();
  for (const [name, change] of Object.entries(damage)) {
    const path = `${DIRECTORY}/${name}`;
    const text = await textOf(disk, path);
    const changed = change(text);
    assert(changed !== text || text === "", `${name} was not changed`);
    disk.plant(path, new TextEncoder().encode(changed));
  }
  return disk;
}

async function textOf(fs: DurableFs, path: string): Promise<string> {
  const file = await fs.open(path, "read");
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return new TextDecoder().decode(bytes);
}

const rotHeader = (text: string) => text.replace("ministate", "ministale");
const rotBody = (text: string) => text.replace(/\n(.)/, "\nx$1");
const empty = () => "";

/** What is done to every file of a state with one compaction before its third mutation. */
const ALL_OF_ONE = { [segment(1)]: rotHeader, [segment(2)]: rotHeader, [snapshot(1)]: rotHeader };

async function namesIn(fs: DurableFs, path = DIRECTORY): Promise<string[]> {
  return (await fs.list(path)).map(({ name }) => name).sort();
}

/** Whether any program can begin there now, and the command as well. */
async function assertBeginsAnew(disk: PowerCutDisk): Promise<void> {
  const program = disk.image();
  const manager = await StateManager.open(DIRECTORY, journalName, namedLedger, { fs: program });
  assertEquals([manager.recovery.created, (await manager.apply(1)).sequence], [true, 1]);
  await manager.close();
  const set = await runHere(["set", DIRECTORY, "/lamp", "1"], { fs: disk.image() });
  assertEquals([set.code, set.output], [0, "sequence 1\n"], set.errors);
}

const UNKNOWN = [
  { name: "its only segment", compactions: 0, damage: { [segment(1)]: rotHeader }, lost: true },
  { name: "an only segment without a byte", compactions: 0, damage: { [segment(1)]: empty } },
  {
    name: "all its segments and snapshots",
    compactions: 2,
    damage: {
      [segment(1)]: rotHeader,
      [segment(2)]: rotHeader,
      [segment(3)]: rotHeader,
      [snapshot(1)]: rotHeader,
      [snapshot(2)]: rotHeader,
    },
    lost: true,
  },
];

for (const { name, compactions, damage, lost } of UNKNOWN) {
  test(`repair leaves nothing in the way of the next program when the headers are damaged in ${name}`, async () => {
    const disk = await makeState(compactions, damage);
    const env = { NO_COLOR: "1" };
    const person = { person: true, input: "n\n", env };
    const asked = await runHere(["repair", DIRECTORY], { fs: disk, ...person });
    assertStringIncludes(
      asked.output,
      "keeps  nothing: no file shows any longer whose state it was",
    );
    const files = (await namesIn(disk)).filter((file) => /jsonl$/.test(file));
    const { code, output } = await runHere(["repair", DIRECTORY, "--yes"], { fs: disk.image() });
    assertStringIncludes(
      output,
      "nothing could be kept: the next program to open it begins a new state",
    );
    assertEquals(code, 0);
    const printed = await runHere(["repair", DIRECTORY, "--yes", "--json"], { fs: disk });
    const outcome = JSON.parse(printed.output);
    assertEquals(printed.code, 0);
    const quarantine = `${DIRECTORY}/quarantine`;
    assertEquals([outcome.repaired, outcome.kept, outcome.verdict], [true, false, null]);
    assertEquals(outcome.setAside.toSorted(), files.map((file) => `${quarantine}/${file}`));
    assertEquals(await namesIn(disk), ["ministate.lock", "quarantine"]);
    const report = lost ? ["lost-from-1.json"] : [];
    assertEquals(await namesIn(disk, quarantine), [...files, ...report].sort());
    if (lost) {
      const { sequenceFirst, path } = JSON.parse(
        await textOf(disk, `${quarantine}/lost-from-1.json`),
      );
      assertEquals([sequenceFirst, path], [1, `${DIRECTORY}/${segment(1)}`]);
      assertEquals(outcome.lost.sequenceFirst, 1);
    }
    await assertBeginsAnew(disk);
  });
}

test("repair keeps the name in a snapshot's header, however rotten what follows it is", async () => {
  const disk = await makeState(1, {
    [segment(1)]: rotHeader,
    [segment(2)]: rotHeader,
    [snapshot(1)]: rotBody,
  });
  const printed = JSON.parse(
    (await runHere(["repair", DIRECTORY, "--yes", "--json"], { fs: disk })).output,
  );
  assertEquals([printed.kept, printed.sequence, printed.verdict], [true, 0, "sound"]);
  await using manager = await StateManager.open(DIRECTORY, journalName, namedLedger, { fs: disk });
  assertEquals([manager.recovery.created, manager.sequence], [false, 0]);
});

test("repair creates no journal without a name beside a file that only fsck can move", async () => {
  const disk = await makeState(1, ALL_OF_ONE);
  const { fs } = badDisk(disk, { part: `state/${segment(2)}`, code: "EBADMSG" });
  const path = `${DIRECTORY}/${segment(2)}`;
  const asked = await runHere(["repair", DIRECTORY, "--yes"], { fs });
  assertStringIncludes(asked.output, `stays      ${path}: its inode is damaged`);
  assertStringIncludes(asked.output, 'not repaired: run "ministate repair" again after fsck');
  assertEquals(await namesIn(disk), ["ministate.lock", "quarantine", segment(2)]);
  const again = await runHere(["repair", DIRECTORY, "--yes", "--json"], { fs });
  const printed = JSON.parse(again.output);
  assertEquals([again.code, printed.kept, printed.stays, printed.verdict], [
    2,
    false,
    [path],
    "corrupt",
  ]);
  // fsck has mended the inode, and the header is as damaged as it was.
  assertEquals((await runHere(["repair", DIRECTORY, "--yes"], { fs: disk })).code, 0);
  await assertBeginsAnew(disk);
});

test("repair leaves a newer edition in place while the file it replaced can't be moved", async () => {
  const disk = await makeState(0, {});
  const first = `${DIRECTORY}/${segment(1)}`;
  const bad = { part: `state/${segment(1)}`, code: "EBADMSG" };
  const { fs } = badDisk(disk, bad);
  const options = { fs, onCorruption: "quarantine" as const };
  await (await StateManager.open(DIRECTORY, journalName, namedLedger, options)).close();
  const second = segment(1).replace(".wal", ".2.wal");
  const path = `${DIRECTORY}/${second}`;
  disk.plant(path, new TextEncoder().encode(rotHeader(await textOf(disk, path))));
  const printed = JSON.parse(
    (await runHere(["repair", DIRECTORY, "--yes", "--json"], { fs })).output,
  );
  assertEquals([printed.kept, printed.stays, printed.setAside], [false, [first], []]);
  assert((await namesIn(disk)).includes(second));
  const mended = await runHere(["repair", DIRECTORY, "--yes", "--json"], { fs: disk });
  assertEquals([mended.code, JSON.parse(mended.output).setAside.length], [0, 2]);
  await assertBeginsAnew(disk);
});

test("repair keeps a state whose name came back before it had the lock", async () => {
  const disk = await makeState(0, { [segment(1)]: rotHeader });
  const path = `${DIRECTORY}/${segment(1)}`;
  const sound = (await textOf(disk, path)).replace("ministale", "ministate");
  const { fs } = badDisk(disk, { part: "never", code: "EIO" });
  fs.lock = (lockPath, directory) => {
    disk.plant(path, new TextEncoder().encode(sound));
    return disk.lock(lockPath, directory);
  };
  const printed = JSON.parse(
    (await runHere(["repair", DIRECTORY, "--yes", "--json"], { fs })).output,
  );
  assertEquals([printed.kept, printed.sequence, printed.setAside], [true, 3, []]);
});

test("repair fails with the system's error when a file of such a state can't be moved now", async () => {
  const disk = await makeState(0, { [segment(1)]: rotHeader });
  const { fs } = badDisk(disk, { part: "never", code: "EIO" });
  const remove = fs.remove;
  fs.remove = (path) => {
    if (path.endsWith(segment(1))) throw systemError("EACCES");
    return remove(path);
  };
  const ended = await runHere(["repair", DIRECTORY, "--yes", "--json"], { fs });
  assertEquals([ended.code, JSON.parse(ended.errors).error.systemCode], [5, "EACCES"]);
  assert((await namesIn(disk)).includes(segment(1)));
});

test("repair of a state that nothing names ends the same whenever the power goes, and deletes no byte", async () => {
  const before = await makeState(1, ALL_OF_ONE);
  // Many calls leave the same.
  const seen = new Set<number>();
  for (let cutAt = 1, done = false; !done; cutAt++) {
    const fs = before.image();
    fs.cutAt = cutAt;
    done = await setAsideOn(fs).then(() => true, (error) => {
      if (!isPowerCut(error)) throw error;
      return false;
    });
    for (const image of crashImages(fs, { imagesMax: 4, seed: cutAt })) {
      if (seen.has(image.fingerprint())) continue;
      seen.add(image.fingerprint());
      const where = `power cut at call ${cutAt}, ${fs.log.at(-1)}`;
      await setAsideOn(image);
      const kept = await namesIn(image, `${DIRECTORY}/quarantine`);
      for (const name of Object.keys(ALL_OF_ONE)) {
        const copies = kept.filter((file) => file.startsWith(name));
        const texts = await Promise.all(
          copies.map((file) => textOf(image, `${DIRECTORY}/quarantine/${file}`)),
        );
        const text = await textOf(before, `${DIRECTORY}/${name}`);
        assert(texts.includes(text), `${where}: ${name} is gone`);
      }
      assertEquals((await namesIn(image)).filter((name) => /jsonl/.test(name)), [], where);
    }
  }
  assert(seen.size > 20, `${seen.size} images`);
});

/** What the command does once it has the yes. Where nothing is left, nothing is done. */
async function setAsideOn(fs: DurableFs): Promise<void> {
  const directory = await StateDirectory.openForWriting(fs, DIRECTORY, journalName, false);
  try {
    const inspection = await inspectState(fs, DIRECTORY, journalName);
    assertEquals(inspection.id, null);
    await setUnnamedAside(directory, inspection);
  } finally {
    await directory.close();
  }
}
