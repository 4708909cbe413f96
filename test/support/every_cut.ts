// Cuts the power at every call of a run, and passes on what each cut can leave.

import { crashImages } from "../../testing/disk/crash_images.ts";
import { PowerCutDisk } from "../../testing/disk/power_cut_disk.ts";

/**
 * Runs `run` with the power cut at one call after the other, and once without.
 *
 * @param run gets a disk; what it throws counts only while the disk has power
 * @param look gets every disk that a cut can leave, and the progress of that run
 */
export async function cutEverywhere<T>(
  newProgress: () => T,
  run: (disk: PowerCutDisk, progress: T) => Promise<void>,
  look: (disk: PowerCutDisk, progress: T, at: number) => Promise<void>,
  makeDisk: () => PowerCutDisk = () => new PowerCutDisk(),
): Promise<void> {
  for (let at = 1;; at++) {
    const disk = makeDisk();
    const before = disk.calls;
    disk.cutAt = before + at;
    const progress = newProgress();
    try {
      await run(disk, progress);
    } catch (error) {
      if (!disk.dead) throw error;
    }
    for (const image of crashImages(disk, { imagesMax: 8, seed: at })) {
      await look(image, progress, at);
    }
    if (disk.calls < before + at) return;
  }
}
