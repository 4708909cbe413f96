/**
 * What is promised about files that only fsck can move: none prevents opening, and none counts later.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { crashImages } from "../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import {
  type Case,
  CASES,
  DIRECTORY,
  kept,
  make,
  makeState,
  open,
  pathOf,
  quarantine,
  rottenOf,
  wal,
} from "../test/support/rotten_inodes.ts";
import { codeOf, type Promised } from "./promised.ts";
import type { Tally } from "./tally.ts";

/** All of them. */
export const ROTTEN: readonly Promised[] = [
  { name: "rotten inodes prevent nothing, whenever the power is cut", keep: keepsNothingDown },
  { name: "a copy under a later name replaces nothing", keep: copyTakesNothingOver },
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
