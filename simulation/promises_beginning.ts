/**
 * What is promised about the initial state: it is stored when a directory is made, and what a later release would begin
 * with changes nothing.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { StateManager } from "@ministate/ministate";
import { isPowerCut } from "../testing/disk/disk_calls.ts";
import { crashImages } from "../testing/disk/crash_images.ts";
import type { PowerCutDisk } from "../testing/disk/power_cut_disk.ts";
import { codeOf, fileOf, type Promised, rot } from "./promised.ts";
import type { Tally } from "./tally.ts";
import { DIRECTORY, NAME } from "./world.ts";
import { freshDisk } from "./workloads.ts";

/** All of them. */
export const BEGINNING: readonly Promised[] = [
  { name: "an update that begins with another state", keep: beginningStays },
];

interface Count {
  began: string;
  sum: number;
}

function release(began: string, version = 1) {
  return {
    version,
    initial: (): Count => ({ began, sum: 0 }),
    apply: (state: Count, { by }: { by: number }) => state.sum += by,
    migrate: { state: (state: unknown) => state as Count },
  };
}

const IMAGES_MAX = 6;
const OLD = release("old");

const open = (fs: PowerCutDisk, mutator = OLD) =>
  StateManager.open(DIRECTORY, NAME, mutator, { fs, compaction: "manual" });

async function use(fs: PowerCutDisk, count: number): Promise<void> {
  const manager = await open(fs);
  for (let i = 0; i < count; i++) await manager.apply({ by: 1 });
  await manager.close();
}

/** Whether a directory was made: its first segment got its name, and on FAT more than its name. */
function isMade(fs: PowerCutDisk): boolean {
  return fs.paths(DIRECTORY).some((path) =>
    path.endsWith(".wal.jsonl") && fs.peek(path)!.length > 0
  );
}

async function beginningStays(tally: Tally): Promise<void> {
  for (const count of [0, 2]) {
    for (let at = 1;; at++) {
      const fs = freshDisk();
      fs.cutAt = at;
      const isCut = await use(fs, count).then(() => false, (error) => {
        if (!isPowerCut(error)) throw error;
        return true;
      });
      const images = isCut ? crashImages(fs, { imagesMax: IMAGES_MAX, seed: at }) : [fs.crash()];
      for (const image of images) await updates(image, tally);
      if (!isCut) break;
    }
  }
  await updateIsCut(tally);
  const fs = freshDisk();
  await use(fs, 2);
  const made = fs.crash();
  rot(made, fileOf(made, "w-0000000000000001."), '[[],{"began');
  assertEquals(await codeOf(() => open(made, release("new"))), "CORRUPT", "a rotten beginning");
  tally.state("initial state", "CORRUPT");
}

/** Updates a directory without a record, which makes it write its first segment again, and cuts the power at every call. */
async function updateIsCut(tally: Tally): Promise<void> {
  const before = freshDisk();
  await use(before, 0);
  for (let at = 1;; at++) {
    const fs = before.crash();
    fs.cutAt = at;
    const isCut = await open(fs, release("new", 2)).then(() => false, (error) => {
      if (!isPowerCut(error)) throw error;
      return true;
    });
    if (!isCut) return;
    for (const image of crashImages(fs, { imagesMax: IMAGES_MAX, seed: at })) {
      const manager = await open(image, release("newer", 2));
      assertEquals(manager.state.began, "old", "a cut in an update changed the beginning");
      tally.state("initial state", "old");
    }
  }
}

/** Opens with releases that begin with another state, of the same version and of the next. */
async function updates(image: PowerCutDisk, tally: Tally): Promise<void> {
  const wanted = isMade(image) ? "old" : "new";
  for (const version of [1, 2]) {
    const fs = image.image();
    for (const again of [false, true]) {
      const manager = await open(fs, release(again ? "newer" : "new", version));
      assertEquals(manager.state.began, wanted, "another beginning than the directory's");
      assertEquals((await manager.stateAt(0)).began, wanted, "another past");
      assert(manager.recovery.lost === null, "something was lost");
      await manager.close();
    }
  }
  tally.state("initial state", wanted);
}
