/**
 * What is promised about files that only fsck can move: none prevents opening, and none counts later.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { crashImages } from "../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import type { DurableFs } from "../src/durable_fs.ts";
import { badDisk } from "../test/support/bad_disk.ts";
import {
  type Case,
  CASES,
  damage,
  DIRECTORY,
  kept,
  later,
  make,
  makeForgetful,
  makeState,
  open,
  pathOf,
  quarantine,
  rottenOf,
  snapshot,
  strangeSegment,
  wal,
} from "../test/support/rotten_inodes.ts";
import { codeOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const ROTTEN: readonly Promised[] = [
  { name: "rotten inodes prevent nothing, whenever the power is cut", keep: keepsNothingDown },
  { name: "a copy under a later name replaces nothing", keep: copyTakesNothingOver },
  { name: "what an edition replaced stays replaced, though fsck restores it", keep: staysReplaced },
  { name: "the newest edition lasts, though fsck restores what is older", keep: newestLasts },
  { name: "another journal's later edition replaces nothing", keep: strangerReplacesNothing },
  { name: "compaction deletes only its own journal's files", keep: deletesItsOwnOnly },
];

const IMAGES_MAX = 4;

/** Opens each directory with the power cut at every call, and again on whatever that left. */
export async function keepsNothingDown(tally: Tally): Promise<void> {
  for (const each of CASES) {
    const made = await make(each);
    // Many calls leave the same.
    const fingerprints = new Set<number>();
    for (let at = 1, done = false; !done; at++) {
      const disk = made.image();
      disk.cutAt = disk.calls + at;
      done = await comesUp(disk, each);
      if (done) fingerprints.clear();
      for (const image of crashImages(disk, { imagesMax: IMAGES_MAX, seed: at })) {
        if (fingerprints.has(image.fingerprint())) continue;
        fingerprints.add(image.fingerprint());
        try {
          await comesUpAgain(image, each, done);
        } catch (error) {
          const where = `${each.name}, power cut at call ${at}, ${disk.log.at(-1)}`;
          throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
        }
        tally.state("rotten inodes", "came up");
      }
    }
  }
}

/** Returns whether the power lasted until a mutation was acknowledged. */
async function comesUp(disk: PowerCutDisk, each: Case): Promise<boolean> {
  try {
    await (await open(rottenOf(disk, each, "EBADMSG"), quarantine)).apply("a");
    return true;
  } catch (error) {
    if (!isPowerCut(error)) throw error;
    return false;
  }
}

async function comesUpAgain(image: PowerCutDisk, each: Case, acknowledged: boolean): Promise<void> {
  const fs = rottenOf(image, each, "EBADMSG");
  const manager = await open(fs, quarantine);
  const found = kept(manager);
  const expected = acknowledged ? [`${each.kept}a`] : [each.kept, `${each.kept}a`];
  assert(expected.includes(found), `the state is ${found}`);
  const report = `lost-from-${each.kept.length + 1}.json`;
  const reports = image.paths(`${DIRECTORY}/quarantine`).filter((path) => path.includes(report));
  assert(reports.length > 0, "what was lost is not on the disk");
  await manager.apply("b");
  // In a segment that is begun now, it has to be of the same edition.
  await manager.createSnapshot();
  await manager.apply("c");
  await manager.close();
  const next = image.crash();
  await using again = await open(rottenOf(next, each, "EBADMSG"));
  assertEquals([kept(again), again.recovery.lost], [`${found}bc`, null], "opened again");
}

/** A copy made by somebody is not a later edition, whatever its name. */
async function copyTakesNothingOver(tally: Tally): Promise<void> {
  for (const sequence of [1, 3, 5]) {
    const disk = await makeState();
    const copy = pathOf(wal(sequence)).replace(".wal.", ".2.wal.");
    disk.plant(copy, disk.peek(pathOf(wal(sequence)))!);
    const before = disk.fingerprint();
    assertEquals(await codeOf(() => open(disk)), "CORRUPT", copy);
    assertEquals(disk.fingerprint(), before, `${copy}: something was changed`);
    tally.state("rotten inodes", "no edition");
  }
}

/** The headers say where an edition began, once the segment that began it is gone. */
async function staysReplaced(tally: Tally): Promise<void> {
  const { disk, manager, fsck } = await makeForgetful();
  fsck();
  assertEquals(await codeOf(() => manager.stateAt(1)), "HISTORY_GONE", "beside the manager");
  await manager.compact();
  await manager.close();
  assert(disk.peek(pathOf(wal(1))) !== null, "a compaction deleted it");
  await using again = await open(disk);
  assert(disk.peek(pathOf(`quarantine/${wal(1)}`)) !== null, "it was not set aside");
  assertEquals([kept(again), await codeOf(() => again.stateAt(1))], ["abcd", "HISTORY_GONE"]);
  tally.state("rotten inodes", "stayed replaced");
}

/** Neither files whose id could no longer be read nor damage in an earlier edition end the newest one. */
async function newestLasts(tally: Tally): Promise<void> {
  const alone = async (fs: DurableFs, mutations: string, options: object = {}) => {
    await using manager = await open(fs, options);
    for (const mutation of mutations) await manager.apply(mutation);
  };
  const single = freshDisk();
  await alone(single, "12");
  await alone(badDisk(single, { part: `state/${wal(1)}`, code: "EBADMSG" }).fs, "abc", quarantine);
  const disk = await makeState();
  for (const sequence of [2, 4]) disk.unplant(pathOf(snapshot(sequence)));
  const { fs } = badDisk(disk, { part: `state/${wal(3)}`, code: "EBADMSG" });
  await alone(fs, "x", quarantine);
  damage(wal(1), '"2"')(disk);
  await alone(fs, "yz", quarantine);
  for (const [restored, wanted] of [[single, "abc"], [disk, "1yz"]] as const) {
    await using manager = await open(restored);
    assertEquals([kept(manager), manager.recovery.lost], [wanted, null]);
    tally.state("rotten inodes", "lasted");
  }
}

async function strangerReplacesNothing(tally: Tally): Promise<void> {
  for (const sequence of [1, 5]) {
    const disk = await makeState();
    disk.plant(later(wal(sequence)), await strangeSegment(sequence));
    await using manager = await open(disk, quarantine);
    assertEquals([kept(manager), manager.recovery.lost], ["123456", null]);
    tally.state("rotten inodes", "no edition");
  }
}

async function deletesItsOwnOnly(tally: Tally): Promise<void> {
  const disk = await makeState();
  const strange = (await makeState()).peek(pathOf(snapshot(2)))!;
  disk.plant(pathOf(snapshot(2)), strange);
  await using manager = await open(disk);
  for (const mutation of "78") {
    await manager.apply(mutation);
    await manager.compact();
  }
  assertEquals(disk.peek(pathOf(`quarantine/${snapshot(2)}`)), strange, "another journal's file");
  tally.state("rotten inodes", "set aside");
}
