/**
 * What is promised through any power cut: one writer, names and keys that stay where they belong, updates that migrate
 * everything, full disks that recover, hostile journals that end.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { crashImages } from "../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { failsOrKeepsAll } from "./damage_oracle.ts";
import { openingOf, type Promised } from "./promised.ts";
import { filling, FULL } from "./promises_full.ts";
import { BACKLOG } from "./promises_backlog.ts";
import { BEGINNING } from "./promises_beginning.ts";
import { HISTORIES } from "./promises_history.ts";
import { ASIDE } from "./promises_aside.ts";
import { PLACE } from "./promises_place.ts";
import { BESIDE } from "./promises_beside.ts";
import { ROTTEN } from "./promises_rotten.ts";
import { OUTCOMES } from "./promises_outcomes.ts";
import { PAST } from "./promises_past.ts";
import { STATE } from "./promises_state.ts";
import { UNREADABLE } from "./promises_unreadable.ts";
import { UPDATE } from "./promises_update.ts";
import { USE } from "./promises_use.ts";
import { damagedDisk, record } from "./recordings.ts";
import type { Tally } from "./tally.ts";
import { collector, DIRECTORY, NAME, World } from "./world.ts";
import { hoarder } from "./inspections.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const PROMISES: readonly Promised[] = [
  { name: "one writer, and readers beside it", keep: oneWriter },
  { name: "names stay in the state directory", keep: namesStay },
  { name: "keys are data", keep: keysAreData },
  { name: "a refused write is rolled back", keep: refusedWriteIsRolledBack },
  { name: "a full disk is compacted", keep: fullDiskIsCompacted },
  { name: "a removed line is noticed", keep: removedLineIsMissed },
  { name: "a hostile journal is read in bounded time", keep: hostileJournalEnds },
  { name: "a large state is captured at its own sequence", keep: largeStateIsCaptured },
  ...FULL,
  ...UPDATE,
  ...ASIDE,
  ...UNREADABLE,
  ...ROTTEN,
  ...PAST,
  ...HISTORIES,
  ...BEGINNING,
  ...PLACE,
  ...BESIDE,
  ...STATE,
  ...USE,
  ...BACKLOG,
  ...OUTCOMES,
];

async function oneWriter(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs);
  await world.apply(manager);
  const before = fs.fingerprint();
  assertEquals(await openingOf(fs), "LOCKED", "a second writer");
  assertEquals(await openingOf(fs, { readOnly: true }), "opened", "a reader beside the writer");
  assertEquals(fs.fingerprint(), before, "a reader, or a second writer, changed the directory");
  await world.apply(manager);
  assertEquals(await openingOf(fs.image()), "opened", "a lock that a killed process left");
  await manager.close();
  assertEquals(await openingOf(fs), "opened", "after the writer has closed");
  tally.state("lock", "refused");
}

async function namesStay(tally: Tally): Promise<void> {
  for (const name of ["../out.wal.jsonl", "a/b.wal.jsonl", "/data/out.jsonl", "..", ".a", ""]) {
    const fs = freshDisk();
    const opening = StateManager.open(DIRECTORY, name, collector, { fs });
    const refusal = await opening.then(() => null, (error) => error);
    assert(refusal instanceof TypeError, `the name "${name}" was not refused`);
    assertEquals(fs.paths(""), [], `the name "${name}" left something behind`);
    tally.state("open", "refused");
  }
}

async function keysAreData(tally: Tally): Promise<void> {
  // Large enough for a snapshot to spread it over several lines.
  const large = (text: string) => JSON.stringify(text.repeat(40_000));
  const texts = [
    '{"__proto__":{"polluted":true}}',
    '{"a":{"__proto__":{"__proto__":{"polluted":true}}},"constructor":{"prototype":{"x":1}}}',
    `{"__proto__":{"polluted":${large("x")},"and":${large("y")}},"constructor":${large("z")}}`,
  ];
  const ledger = {
    initial: () => ({ entries: [] as unknown[] }),
    apply: ({ entries }: { entries: unknown[] }, mutation: unknown) => entries.push(mutation),
  };
  const wanted = `{"entries":[${texts.join(",")}]}`;
  const fs = freshDisk();
  const open = () => StateManager.open(DIRECTORY, NAME, ledger, { fs, compaction: "manual" });
  const isAsWanted = (state: unknown) =>
    JSON.stringify(state) === wanted && !("polluted" in {}) && !("polluted" in []);
  let manager = await open();
  for (const text of texts) await manager.apply(JSON.parse(text));
  assert(isAsWanted(manager.state), "a key was not kept as data");
  await manager.close();
  manager = await open();
  assert(isAsWanted(manager.state), "a key was not kept as data in the journal");
  await manager.createSnapshot();
  await manager.close();
  manager = await open();
  assertEquals(manager.recovery.replayed, 0);
  assert(isAsWanted(manager.state), "a key was not kept as data in the snapshot");
  await manager.close();
  tally.state("open", "sound");
}

async function refusedWriteIsRolledBack(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const { disk, fill } = filling(fs);
  const manager = await world.open(disk);
  // The second fills space ahead, in which the refused ones are written.
  for (let i = 0; i < 2; i++) await world.apply(manager);
  fill();
  assert(!await world.applyAll(manager, 3, 400), "a write that was refused was acknowledged");
  assertEquals(world.refusals, ["DISK_FULL"]);
  const isClean = async (image: PowerCutDisk) => {
    const { recovery, sequence } = await world.fork().open(image);
    assertEquals([sequence, recovery.torn], [2, null], "something of a refused write is there");
    tally.state("write", "rolled back");
  };
  await isClean(fs.image());
  for (const image of crashImages(fs.image(), { imagesMax: 64 })) await isClean(image);
  assert(await world.apply(manager), `no way on once there is space: ${world.refusals}`);
}

async function fullDiskIsCompacted(tally: Tally): Promise<void> {
  const world = new World();
  const fs = freshDisk();
  const manager = await world.open(fs, { segmentSizeMax: 64 * 1024 });
  for (let i = 0; i < 3; i++) {
    await world.apply(manager, 20_000);
    await manager.compact();
  }
  for (let i = 0; i < 3; i++) await world.apply(manager, 20_000);
  fs.spaceLeft = 0;
  while (await world.apply(manager, 20_000));
  assertEquals(world.refusals, ["DISK_FULL"]);
  const { deleted } = await manager.compact();
  assert(deleted.length > 0, "nothing was deleted");
  assert(await world.apply(manager), `no way on after a compaction: ${world.refusals}`);
  await manager.close();
  await world.open(fs.crash());
  tally.state("compact", "sound");
}

async function removedLineIsMissed(tally: Tally): Promise<void> {
  const recording = (await record()).find(({ name }) => name === "sealed single mutations")!;
  for (const line of [1, 2, 3, 4, 5]) {
    const disk = damagedDisk(recording, recording.newest, (bytes) => {
      const lines = new TextDecoder().decode(bytes).split("\n");
      return new TextEncoder().encode(lines.toSpliced(line, 1).join("\n"));
    });
    const { code } = await failsOrKeepsAll(recording, disk, []);
    assertEquals(code, "CORRUPT");
    tally.state("line removed", "CORRUPT");
  }
}

/** More than a batch and the fill after it. */
const TAIL_SIZE = 19 * 1024 * 1024;
/** Look-alikes of the last lines of batches, each of which could begin at any earlier one. */
const LOOK_ALIKES = 60_000;
/** Far more than any honest search adds up; a hostile one without an end takes hours. */
const SUMMED_MAX = 1024 * 1024 * 1024;

async function hostileJournalEnds(tally: Tally): Promise<void> {
  const recording = (await record()).find(({ name }) => name === "unsealed single mutations")!;
  const endingWith = (tail: Uint8Array) =>
    damagedDisk(recording, recording.newest, (bytes) => {
      const sound = bytes.slice(0, bytes.findLastIndex((byte) => byte !== 10) + 2);
      const all = new Uint8Array(sound.length + tail.length);
      all.set(sound);
      all.set(tail, sound.length);
      return all;
    });
  const long = endingWith(new Uint8Array(TAIL_SIZE).fill(0x78));
  assertEquals(await openingOf(long), "CORRUPT", "a tail that no batch of ours can leave");
  const alike = '[5,[5,[5,1]],4,0,"deadbeef"]\n'.repeat(LOOK_ALIKES);
  const searched = endingWith(new TextEncoder().encode(alike));
  const { crc32 } = searched;
  let summed = 0;
  searched.crc32 = (bytes, seed) => {
    summed += bytes.length;
    if (summed > SUMMED_MAX) throw new Error("the search for proof doesn't end");
    return crc32(bytes, seed);
  };
  assertEquals(await openingOf(searched), "CORRUPT", "a journal that was made to be searched");
  tally.state("hostile", "CORRUPT");
}

/** A large state is rebuilt from the disk while mutations continue; from memory, when the disk can't be read. */
async function largeStateIsCaptured(tally: Tally): Promise<void> {
  for (const rots of [false, true]) {
    const world = new World();
    const fs = freshDisk();
    const manager = await world.open(fs, {}, hoarder);
    for (let i = 0; i < 4; i++) await world.apply(manager, 600);
    const path = manager.journalPath;
    if (rots) fs.flipBit(path, new TextDecoder().decode(fs.peek(path)!).indexOf("[2,") + 6, 0);
    const more = Array.from({ length: 20 }, async (_, turns) => {
      for (let i = 0; i < 10 * turns; i++) await undefined;
      await world.apply(manager);
    });
    await Promise.all([manager.createSnapshot(), ...more]);
    await manager.close();
    const next = await world.open(fs.crash(), {}, hoarder);
    assertEquals(next.recovery.lost, null);
    tally.state("snapshot", "captured");
  }
}
