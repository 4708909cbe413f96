/**
 * What is promised about damage that is set aside: none of it is lost, replaced or ignored, and what was lost
 * is reported, whenever the power is cut and whatever the disk refuses.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MinistateError } from "@ministate/ministate";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { crashImages } from "../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { openDamaged } from "./damage_oracle.ts";
import { inspectState } from "../src/recovery/inspect.ts";
import { DAMAGED, type Damaged, damagedDisk } from "./damaged_directories.ts";
import { fileOf, openingOf, type Promised, rot } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, NAME } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const ASIDE: readonly Promised[] = [
  { name: "damage is set aside whole, whenever the power is cut", keep: damageIsSetAside },
  { name: "a rotten snapshot is not ignored", keep: rottenIsNotPassedOver },
  { name: "what was set aside is never replaced", keep: evidenceIsKept },
];

const QUARANTINING = { onCorruption: "quarantine" } as const;
const IMAGES_MAX = 4;

async function damageIsSetAside(tally: Tally): Promise<void> {
  for (const damaged of DAMAGED) {
    const before = await damagedDisk(damaged);
    assertEquals(await openingOf(before.image()), "CORRUPT", damaged.name);
    await isForeseen(damaged, before.image());
    // Many calls leave the same.
    const fingerprints = new Set<number>();
    for (let cutAt = 1, done = false; !done; cutAt++) {
      const fs = before.image();
      fs.cutAt = cutAt;
      done = await setAsideAndGoOn(fs);
      if (done) fingerprints.clear();
      for (const image of crashImages(fs, { imagesMax: IMAGES_MAX, seed: cutAt })) {
        if (fingerprints.has(image.fingerprint())) continue;
        fingerprints.add(image.fingerprint());
        try {
          assertNoLineGone(before, image);
          await nothingIsSilent(damaged, image, done);
        } catch (error) {
          const where = `${damaged.name}, power cut at call ${cutAt}, ${fs.log.at(-1)}`;
          throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
        }
        tally.state("set aside", "kept");
      }
    }
  }
}

/** An inspection reports what it costs. */
async function isForeseen({ name, sound, lostLast }: Damaged, fs: PowerCutDisk): Promise<void> {
  const { outcome, lost } = (await inspectState(fs, DIRECTORY, NAME)).nextOpen;
  const foreseen = [outcome, lost?.sequenceFirst, lost?.sequenceLast];
  assertEquals(foreseen, ["refuse", sound + 1, lostLast], `${name}, inspected`);
}

/** Returns whether the power lasted until the next mutation was acknowledged. */
async function setAsideAndGoOn(fs: PowerCutDisk): Promise<boolean> {
  try {
    await (await openDamaged(fs, QUARANTINING)).apply({ id: -1 });
    return true;
  } catch (error) {
    if (!isPowerCut(error)) throw error;
    return false;
  }
}

/** Every line that was in a journal's file is still in some file, here or set aside. */
function assertNoLineGone(before: PowerCutDisk, after: PowerCutDisk): void {
  const linesOf = (disk: PowerCutDisk) =>
    disk.paths(DIRECTORY).flatMap((path) =>
      new TextDecoder("latin1").decode(disk.peek(path)!).split(/\n+/)
    );
  const there = new Set(linesOf(after));
  for (const line of linesOf(before)) assert(there.has(line), `gone without a copy: ${line}`);
}

/** The damage is still visible with its full cost, or it is handled and its report is on the disk. */
async function nothingIsSilent(damaged: Damaged, image: PowerCutDisk, done: boolean) {
  const { sound, lostLast } = damaged;
  const code = await openingOf(image.image());
  if (done) assertEquals(code, "opened");
  if (code === "opened") assertReported(image, sound, lostLast);
  else assertEquals(code, "CORRUPT");
  const manager = await openDamaged(image, QUARANTINING);
  const { lost } = manager.recovery;
  if (lost !== null) {
    assertEquals([lost.sequenceFirst, lost.sequenceLast], [sound + 1, lostLast], "what was lost");
  }
  const ids = [...manager.state.ids];
  const went = Array.from({ length: sound }, (_, i) => i + 1);
  assertEquals(ids.slice(0, sound), went, "a wrong state");
  assert(ids.length === sound + 1 ? ids.at(-1) === -1 : ids.length === sound && !done, `${ids}`);
  await manager.apply({ id: -2 });
  await manager.close();
  const again = await openDamaged(image.crash());
  assertEquals([...again.state.ids], [...ids, -2], "opened again");
  await again.close();
}

function assertReported(image: PowerCutDisk, sound: number, lostLast: number | null): void {
  const ranges = image.paths(`${DIRECTORY}/quarantine`)
    .filter((path) => /\/lost-from-\d+\.json(\.\d+)?$/.test(path))
    .map((path) => JSON.parse(new TextDecoder().decode(image.peek(path)!)))
    .map(({ sequenceFirst, sequenceLast }) => `${sequenceFirst} to ${sequenceLast}`);
  assert(ranges.includes(`${sound + 1} to ${lostLast}`), `only ${ranges} is reported`);
}

/** If it were readable the next time, it would claim sequences that were used a second time. */
async function rottenIsNotPassedOver(tally: Tally): Promise<void> {
  const before = await damagedDisk(DAMAGED.find(({ name }) => name.includes("rotten"))!);
  const path = fileOf(before, "w-0000000000000004.snap");
  const rotten = new TextDecoder().decode(before.peek(path)!);
  const healed = new TextEncoder().encode(rotten.replace('"ids":Z', '"ids":['));
  for (const sticky of [false, true]) {
    for (let at = 1, reached = true; reached; at++) {
      const fs = before.image();
      fs.fault = { at, how: "EIO", sticky };
      const acknowledged = await goOnInspiteOf(fs);
      reached = fs.faults > 0;
      const disk = fs.crash();
      // The flipped bits read correctly again.
      if (disk.peek(path) !== null) disk.plant(path, healed);
      const manager = await openDamaged(disk, QUARANTINING);
      const ids = [...manager.state.ids];
      const all = `call ${at}: ${acknowledged} were acknowledged, ${ids} are there`;
      const isOld = acknowledged.length === 0 && `${ids}` === "1,2,3,4";
      assert(isOld || acknowledged.every((id, i) => ids[2 + i] === id), all);
      await manager.close();
      tally.fault();
      tally.state("set aside", "not passed over");
    }
  }
}

/** Opens and continues as far as that works; returns what was acknowledged. */
async function goOnInspiteOf(fs: PowerCutDisk): Promise<number[]> {
  const acknowledged: number[] = [];
  try {
    const manager = await openDamaged(fs, QUARANTINING);
    for (const id of [-1, -2, -3]) {
      await manager.apply({ id });
      acknowledged.push(id);
    }
  } catch (error) {
    if (!(error instanceof MinistateError)) throw error;
  }
  return acknowledged;
}

const ROUNDS = 3;
/** How many torn tails are kept. */
const TORN_KEPT = 16;

/** The same damage again and again, in files of the same names; and many torn tails. */
async function evidenceIsKept(tally: Tally): Promise<void> {
  let fs = freshDisk();
  const evidence = new Map<string, Uint8Array>();
  for (let round = 0; round < ROUNDS; round++) {
    const manager = await openDamaged(fs, QUARANTINING);
    while (manager.sequence < 4) {
      await manager.apply({ id: 10 * round + manager.sequence });
      if (manager.sequence === 3) await manager.createSnapshot();
    }
    await manager.close();
    fs = fs.crash();
    const paths = ["w-0000000000000001.wal", "w-0000000000000003.snap"].map((part) =>
      fileOf(fs, part)
    );
    rot(fs, paths[0]!, '[2,{"i');
    rot(fs, paths[1]!, '"ids":[');
    const damaged = fs.paths(DIRECTORY).filter((path) => path.endsWith(".jsonl"))
      .filter((path) => !path.includes("/quarantine/")).map((path) => fs.peek(path)!);
    await (await openDamaged(fs, QUARANTINING)).close();
    fs = fs.crash();
    noteNew(fs, evidence, damaged.length + 1, damaged);
    tally.state("set aside", "kept");
  }
  await keepsTornTails(fs, evidence, tally);
}

/** Checks that all evidence is unchanged, and adds the new evidence, which must include the damaged files. */
function noteNew(
  fs: PowerCutDisk,
  evidence: Map<string, Uint8Array>,
  count: number,
  damaged: Uint8Array[],
): void {
  assertUnchanged(fs, evidence);
  const added = fs.paths(`${DIRECTORY}/quarantine`).filter((path) => !evidence.has(path));
  assertEquals(added.length, count, `set aside: ${added}`);
  for (const path of added) evidence.set(path, fs.peek(path)!);
  for (const bytes of damaged) {
    const copies = added.filter((path) => `${evidence.get(path)}` === `${bytes}`);
    assert(copies.length > 0, "a damaged file was not kept");
  }
}

function assertUnchanged(fs: PowerCutDisk, evidence: Map<string, Uint8Array>): void {
  for (const [path, bytes] of evidence) {
    assertEquals(fs.peek(path), bytes, `what was kept in ${path} is no longer there`);
  }
}

/** When its bytes can't be kept, a torn tail is not cut either. */
async function refusesRatherThanCut(torn: PowerCutDisk): Promise<void> {
  for (let at = 1, reached = true; reached; at++) {
    const fs = torn.image();
    fs.fault = { at, how: "EIO" };
    try {
      const { recovery } = await openDamaged(fs);
      assert(recovery.torn?.keptAt, `cut and not kept: call ${at}, ${fs.log[at - 1]}`);
    } catch (error) {
      if (!(error instanceof MinistateError)) throw error;
    }
    reached = fs.faults > 0;
  }
}

async function keepsTornTails(
  disk: PowerCutDisk,
  evidence: Map<string, Uint8Array>,
  tally: Tally,
): Promise<void> {
  let fs = disk;
  const tails = new Map<string, Uint8Array>();
  for (let count = 0; count < TORN_KEPT + 3; count++) {
    const tail = new TextEncoder().encode(`[999,{"torn":${count}`);
    const manager = await openDamaged(fs);
    await manager.apply({ id: 100 + count });
    const path = manager.journalPath;
    await manager.close();
    fs = fs.crash();
    fs.plant(path, new Uint8Array([...fs.peek(path)!, ...tail]));
    if (count === 0) await refusesRatherThanCut(fs);
    const { recovery } = await openDamaged(fs);
    fs = fs.crash();
    tails.set(recovery.torn!.keptAt!, tail);
    assertEquals((await openDamaged(fs.image())).recovery.torn, null, "cut, and still there");
  }
  assertUnchanged(fs, evidence);
  assertUnchanged(fs, new Map([...tails].slice(-TORN_KEPT)));
  tally.state("torn tails", "kept");
}
