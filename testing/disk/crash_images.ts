/**
 * All that a power cut at one moment can leave: every image if there are few, a sample if there are many.
 *
 * @module
 */

import { EveryChoice } from "./chooser.ts";
import { ANY_POWER_CUT, EXTREME_POWER_CUTS } from "./power_cut.ts";
import type { PowerCutDisk } from "./power_cut_disk.ts";
import { Random } from "./random.ts";

/** How many images to try, and which ones to draw. */
export interface CrashImagesOptions {
  /** If there are at most this many possible images, all are tried; otherwise this many are drawn. @default 32 */
  imagesMax?: number;
  /** Decides which images are drawn. @default 1 */
  seed?: number;
}

/**
 * Cuts the power of a disk in every possible way, or in `imagesMax` drawn ways when there are more, and always in four
 * extreme ways. Identical images are yielded once.
 *
 * @example Find a write that was not synced
 * ```ts
 * import { crashImages, PowerCutDisk } from "@ministate/ministate/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const disk = new PowerCutDisk();
 * const file = await disk.open("/file", "create");
 * await file.write(new Uint8Array([1, 2, 3]), 0);
 * await disk.syncDirectory("/"); // but the bytes were not synced
 *
 * const sizes = new Set([...crashImages(disk)].map((image) => image.peek("/file")?.length ?? 0));
 * assertEquals([...sizes].sort(), [0, 3]); // and where it has 3 bytes, they may be zeros
 * ```
 */
export function* crashImages(
  disk: PowerCutDisk,
  options: CrashImagesOptions = {},
): Generator<PowerCutDisk, void, void> {
  const { imagesMax = 32, seed = 1 } = options;
  const fingerprints = new Set<number>();
  const isNew = (image: PowerCutDisk) =>
    fingerprints.size < fingerprints.add(image.fingerprint()).size;
  for (const rules of EXTREME_POWER_CUTS) {
    const image = disk.powerCut(rules, new Random(seed));
    if (isNew(image)) yield image;
  }
  yield* (everyImage(disk, imagesMax) ?? drawnImages(disk, imagesMax, seed)).filter(isNew);
}

/** All images; `null` when there are more than `imagesMax`. */
function everyImage(disk: PowerCutDisk, imagesMax: number): PowerCutDisk[] | null {
  const images: PowerCutDisk[] = [];
  const every = new EveryChoice();
  do {
    if (images.length === imagesMax) return null;
    images.push(disk.powerCut(ANY_POWER_CUT, every));
  } while (every.advance());
  return images;
}

function drawnImages(disk: PowerCutDisk, count: number, seed: number): PowerCutDisk[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => disk.powerCut(ANY_POWER_CUT, random));
}
